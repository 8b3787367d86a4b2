-- A run as version 6 stored it: what a test brings forward.
INSERT INTO run (id, scenario, scenario_file, fingerprint, load, load_text, profile, state, started_at,
                 started_unix_us, heartbeat_unix_us, process, host, seed, command, tool_version, executor,
                 places, env, samples, claims, signs)
VALUES (1, 'shop', 'shop.toml', 'f', 'l', '40 users', 'p', 'done', '', 0, 0, 1, 'here', 7, 'c', '0.1.0', 'closed',
        40, 'staging', 1,
        '[{ "title": "Fast", "value": "run.p95", "bound": { "at_most": { "value": 0.05, "unit": "time" } },
            "rule": "every_run", "select": { "class": "production" }, "gates": true, "environments": ["staging"] }]',
        '[{ "title": "It waits", "when": "run.max(''backlog'') > 1", "select": { "class": "production" },
            "remedy": "Add engines." }]');

INSERT INTO signal VALUES (1, 1, 'orders', 'orders', 1, 's'), (2, 1, 'backlog', 'orders', 0, 's');

INSERT INTO figure VALUES (1, 'request', 'production', 'GET /', 'p95', 12.5, 100);
