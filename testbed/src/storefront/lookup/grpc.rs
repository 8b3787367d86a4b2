//! The gRPC side: the same lookups, and server reflection.

use std::{net::TcpListener, sync::Arc};

use tokio_stream::Iter;
use tonic::{Request, Response, Status, transport::Server, transport::server::TcpIncoming};

use self::proto::product_lookup_server::{ProductLookup, ProductLookupServer};
use super::finder::Finder;
use crate::{server::Stop, storefront::catalogue};

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
mod proto {
    tonic::include_proto!("storefront.v1");
}

const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Serves lookups and reflection until `stop`.
pub(super) async fn serve(listener: TcpListener, finder: Arc<Finder>, mut stop: Stop) {
    let served = async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .build_v1()?;
        Server::builder()
            .add_service(ProductLookupServer::new(Lookup(finder)))
            .add_service(reflection)
            .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), stop.asked())
            .await?;
        Ok::<(), Box<dyn std::error::Error>>(())
    };
    if let Err(error) = served.await {
        eprintln!("testbed: cannot serve gRPC: {error}");
    }
}

struct Lookup(Arc<Finder>);

#[tonic::async_trait]
impl ProductLookup for Lookup {
    type ListCategoryStream = Iter<std::vec::IntoIter<Result<proto::Product, Status>>>;

    async fn get_product(
        &self,
        request: Request<proto::GetProductRequest>,
    ) -> Result<Response<proto::Product>, Status> {
        let id = request.into_inner().id;
        match self.0.product(&id).await {
            Some(product) => Ok(Response::new(message(&product))),
            None => Err(Status::not_found(format!("no product `{id}`"))),
        }
    }

    async fn list_category(
        &self,
        request: Request<proto::ListCategoryRequest>,
    ) -> Result<Response<Self::ListCategoryStream>, Status> {
        let proto::ListCategoryRequest { category, limit } = request.into_inner();
        let limit = if limit == 0 { usize::MAX } else { limit as usize };
        let found = self.0.category(&category, limit).await;
        let messages: Vec<Result<proto::Product, Status>> = found.iter().map(|p| Ok(message(p))).collect();
        Ok(Response::new(tokio_stream::iter(messages)))
    }
}

fn message(product: &catalogue::Product) -> proto::Product {
    proto::Product {
        id: product.id.clone(),
        name: product.name.clone(),
        category: product.category.clone(),
        price_cents: product.price_cents,
        stock: product.stock,
        description: product.description.clone(),
    }
}
