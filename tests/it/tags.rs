//! Tags of what is called: what selects by them, and where they are shown.

use crate::support;
use std::path::Path;

use loadproof::scenario;
use support::OneFile;
use support::bench::Bench;

fn text(url: &str, steps: &str, rest: &str) -> String {
    format!(
        "name = \"tagged\"\nbase_url = \"{url}\"\n[[journey]]\nname = \"Only\"\nsteps = [{steps}]\n\
         [[user_class]]\nname = \"User\"\njourneys = {{ Only = 1 }}\n\
         [load.test]\niterations = 20\nconcurrency = 1\n[profile.local]\n{rest}"
    )
}

const STEPS: &str = r#"
    { group = "checkout", tags = { page = "checkout" }, steps = [
      { request = "GET /cart" },
      { request = "POST /orders", json = {}, tags = { team = "payments" } },
    ] },
    { request = "GET /other" },
"#;

fn mistakes(steps: &str, rest: &str) -> String {
    let text = text("http://127.0.0.1:1", steps, rest);
    scenario::compile(Path::new("scenario.toml"), &OneFile(&text)).unwrap_err().to_string()
}

fn titles(report: &str) -> Vec<&str> {
    report.lines().filter_map(|line| line.strip_prefix("error: ")).collect()
}

#[test]
fn tags_are_fixed_words_of_an_endpoint() {
    let found = mistakes(
        r#"
        { request = "GET /a", tags = { page = "one" } },
        { request = "GET /a" },
        { request = "GET /b", tags = { "bad name" = "x", n = 1, t = "{{ user }}", empty = "" } },
        { request = "GET /c", tags = { a = "1", b = "1", c = "1", d = "1", e = "1", f = "1", g = "1", h = "1", i = "1" } },
        { request = "GET /a", name = "another a", tags = { page = "two" } },
        "#,
        "",
    );
    let expected = [
        "`GET /a` has other tags elsewhere",
        "`n` cannot be `1`",
        "`bad name` is not a valid name of a tag",
        "a tag is a fixed word, not a template",
        "`` is not a valid value of a tag",
        "9 tags",
    ];
    let found = titles(&found);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}: {expected}");
    }
}

#[test]
fn a_claim_selects_by_tags_that_there_are() {
    let claim = |select: &str| {
        format!(
            "[[claim]]\ntitle = \"Fast\"\nvalue = \"run.p50\"\nat_most = \"1s\"\nselect = {{ {select} }}\n"
        )
    };
    for (select, wanted) in [
        (r#"tags = { pgae = "checkout" }"#, "unknown tag `pgae`"),
        (r#"tags.page = "chekout""#, "unknown value of tag `page` `chekout`"),
        (r#"endpoint = "GET /cart", tags = { team = "payments" }"#, "unknown tag `team`"),
        (r"tags = { page = 3 }", "page"),
    ] {
        let found = mistakes(STEPS, &claim(select));
        assert!(titles(&found).len() == 1 && found.contains(wanted), "{select}: {found}");
    }
    let text =
        text("http://127.0.0.1:1", STEPS, &claim(r#"tags = { page = "checkout", team = "payments" }"#));
    let scenario = scenario::compile(Path::new("scenario.toml"), &OneFile(&text)).unwrap();
    assert_eq!(scenario.claims[0].select.to_string(), "tag page = checkout, tag team = payments");
}

#[test]
fn claims_tables_and_exports_know_the_tags_of_a_run() {
    let bench = Bench::new();
    let claims = r#"
[[claim]]
id = "T1"
title = "Two requests of each journey are of the checkout"
value = "run.requests"
at_least = 40
select = { tags.page = "checkout" }
[[claim]]
id = "T2"
title = "One of them is for the payments"
value = "run.requests"
at_most = 20
select = { tags = { page = "checkout", team = "payments" } }
[[claim]]
id = "T3"
title = "The group has its tag, too"
value = "run.requests"
at_least = 20
select = { group = "checkout", tags = { page = "checkout" } }
"#;
    bench.write("tagged.toml", &text(&bench.server.url(), STEPS, claims));
    bench.out(&["run", "tagged.toml"]);
    let report = bench.json(&["report", "latest", "--json"]);
    let results: Vec<(String, String)> = report["judgement"]["claims"]
        .as_array()
        .unwrap()
        .iter()
        .map(|claim| (claim["id"].to_string(), claim["verdict"].to_string()))
        .collect();
    assert!(
        results.len() == 3 && results.iter().all(|(_, verdict)| verdict.contains("supported")),
        "{results:?}"
    );
    let printed = bench.out(&["report", "latest"]);
    let row =
        |name: &str| printed.lines().find(|line| line.trim_start().starts_with(name)).map(str::to_owned);
    assert!(row("page = checkout").unwrap().contains("40"), "{printed}");
    assert!(row("team = payments").unwrap().contains("20"), "{printed}");
    let rows = bench.out(&[
        "store",
        "query",
        "SELECT endpoint, tag, value FROM endpoint_tags WHERE run = 1 ORDER BY kind, endpoint, tag",
    ]);
    assert_eq!(rows.matches("checkout").count(), 4, "the group's name is a word of its own: {rows}");
    bench.out(&["export", "latest", "--format", "csv", "--output", "run.csv"]);
    let exported = std::fs::read_to_string(bench.path("run.csv")).unwrap();
    let of_payments =
        |line: &&str| line.contains(r#"""team"":""payments"""#) && line.contains("POST /orders");
    assert_eq!(exported.lines().filter(of_payments).count(), 20, "{exported}");
    let untagged = |line: &&str| line.contains("GET /other") && line.ends_with(',');
    assert_eq!(exported.lines().filter(untagged).count(), 20, "{exported}");
}
