//! `[grpc]`: where the descriptors of gRPC services come from; and the methods that steps call.

use std::path::{Path, PathBuf};

use prost_reflect::DescriptorPool;
use protox::file::{File, FileResolver, GoogleFileResolver};
use toml::de::DeValue;

use crate::scenario::World;
use crate::scenario::fields::{Fields, Located};
use crate::scenario::problem::Problems;
use crate::scenario::rpc::{Codec, Rpc, RpcError};
use crate::scenario::template::Text;

/// The method by which a request line says that it is a gRPC call.
pub(super) const METHOD: &str = "GRPC";

/// Reads `[grpc]`: `proto`, files relative to `folder`, and `import_from`, folders for what they
/// import. None if the scenario names no file: servers are asked by reflection then.
pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    folder: &Path,
    world: &dyn World,
) -> Option<DescriptorPool> {
    let mut table = file.table("grpc")?;
    table.require("proto");
    let protos = table.texts("proto");
    let imports = table.texts("import_from").into_iter().map(|l| folder.join(l.value));
    let folders: Vec<PathBuf> = std::iter::once(folder.to_path_buf()).chain(imports).collect();
    let problems = table.problems;
    table.finish();
    let resolver = Folders { folders, world };
    let mut pool = DescriptorPool::new();
    let mut is_whole = true;
    for proto in protos {
        if let Err(reason) = add(&mut pool, &resolver, &proto.value, &mut Vec::new()) {
            problems.add(&proto.place, format!("cannot use `{}`", proto.value), reason);
            is_whole = false;
        }
    }
    // Nothing is unknown in what could not be read.
    is_whole.then_some(pool)
}

/// Adds a file after all that it imports; `path` holds the files that are being added.
fn add(
    pool: &mut DescriptorPool,
    resolver: &Folders<'_>,
    name: &str,
    path: &mut Vec<String>,
) -> Result<(), String> {
    if pool.get_file_by_name(name).is_some() {
        return Ok(());
    }
    if path.iter().any(|known| known == name) {
        return Err(format!("`{name}` imports itself"));
    }
    let file = resolver.open_file(name).map_err(|e| e.to_string())?;
    path.push(name.to_owned());
    for import in &file.file_descriptor_proto().dependency {
        add(pool, resolver, import, path)?;
    }
    path.pop();
    pool.add_file_descriptor_proto(file.file_descriptor_proto().clone()).map_err(|e| e.to_string())
}

/// Where `.proto` files are looked for: in these folders, then among Google's own.
struct Folders<'a> {
    folders: Vec<PathBuf>,
    world: &'a dyn World,
}

impl Folders<'_> {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.folders.iter().find_map(|folder| self.world.read(&folder.join(name)).ok()) {
            Some(text) => File::from_source(name, &text),
            None => GoogleFileResolver::new().open_file(name),
        }
    }
}

/// The method that a request line names: `package.Service/Method`.
pub(super) fn method(
    path: &Located<String>,
    pool: Option<&DescriptorPool>,
    problems: &Problems,
) -> Option<Rpc> {
    let name = path.value.trim_start_matches('/');
    let Some((service, method)) = name.split_once('/').filter(|(s, m)| !s.is_empty() && is_name(m)) else {
        problems.add(
            &path.place,
            "a gRPC call needs a method",
            "write it as `\"GRPC package.Service/Method\"`",
        );
        return None;
    };
    let codec = match pool {
        None => None,
        Some(pool) => match Codec::find(pool, service, method) {
            Ok(codec) => Some(codec),
            Err(error) => {
                let place = problems.narrowed(&path.place, name);
                problems.add_with_help(&place, error.to_string(), "not callable", help(pool, &error));
                return None;
            }
        },
    };
    Some(Rpc { service: service.to_owned(), method: method.to_owned(), codec })
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn help(pool: &DescriptorPool, error: &RpcError) -> Option<String> {
    let (word, known): (&str, Vec<String>) = match error {
        RpcError::Service(service) => (service, pool.services().map(|s| s.full_name().to_owned()).collect()),
        RpcError::Method { service, method } => {
            let service = pool.get_service_by_name(service)?;
            (method, service.methods().map(|m| m.name().to_owned()).collect())
        }
        _ => return None,
    };
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    crate::scenario::suggestion(word, &known)
}

/// Checks as much of a call's message as stands before any run: all of a fixed one, the names of
/// the outermost fields of one with templates.
pub(super) fn check_message(
    rpc: &Rpc,
    json: Option<&DeValue<'_>>,
    body: Option<&Text>,
) -> Result<(), String> {
    let Some(codec) = &rpc.codec else { return Ok(()) };
    match (body, json) {
        (Some(Text::Fixed(json)), _) => codec.encode(json).map(drop).map_err(|e| e.to_string()),
        (None, _) => Ok(()),
        (_, Some(DeValue::Table(table))) => {
            let known = codec.request_fields();
            let is_unknown = |name: &&str| !known.iter().any(|k| k == name || snake(k) == **name);
            match table.keys().map(|k| k.get_ref().as_ref()).find(is_unknown) {
                Some(name) => Err(format!("no field `{name}`; the message has: {}", known.join(", "))),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The name of a field as the `.proto` file has it, from the one in JSON.
fn snake(json_name: &str) -> String {
    let mut name = String::with_capacity(json_name.len() + 4);
    for c in json_name.chars() {
        if c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}
