//! Generates the gRPC code of the product lookup, and its descriptors for server reflection.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const PROTO: &str = "storefront/v1/lookup.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile([PROTO], ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().build_client(false).build_transport(false).compile_fds(descriptors)?;
    Ok(())
}
