//! The database: SQLite in memory, or a PostgreSQL. Each read of it costs the way there and back.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{OnceCell, Semaphore};
use tokio_postgres::{Client, NoTls};

use super::{Config, Read};
use crate::storefront::catalogue::products;

const TABLE: &str = "CREATE TABLE product (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, \
                     name TEXT NOT NULL, json TEXT NOT NULL)";

/// How long a PostgreSQL may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers reads, a bounded number at a time.
pub(super) struct Database {
    place: Place,
    round_trip: Duration,
    connections: Semaphore,
    reads: AtomicU64,
}

enum Place {
    Sqlite(Arc<Mutex<Connection>>),
    Postgres(Postgres),
}

struct Postgres {
    url: String,
    products: u32,
    size: usize,
    /// Connected, and the table filled, by the first who asks.
    clients: OnceCell<Vec<Client>>,
    next: AtomicUsize,
}

impl Database {
    pub(super) fn open(config: &Config) -> io::Result<Self> {
        let place = match &config.postgres {
            None => {
                let connection = sqlite(config.products.get()).map_err(io::Error::other)?;
                Place::Sqlite(Arc::new(Mutex::new(connection)))
            }
            Some(url) => Place::Postgres(Postgres {
                url: url.clone(),
                products: config.products.get(),
                size: config.database_connections.get(),
                clients: OnceCell::new(),
                next: AtomicUsize::new(0),
            }),
        };
        Ok(Self {
            place,
            round_trip: config.database_round_trip,
            connections: Semaphore::new(config.database_connections.get()),
            reads: AtomicU64::new(0),
        })
    }

    /// What a read finds, as JSON; none for a product that there is not.
    pub(super) async fn read(&self, read: Read) -> Result<Option<String>, String> {
        let _connection = self.connections.acquire().await.map_err(|e| e.to_string())?;
        self.reads.fetch_add(1, Relaxed);
        tokio::time::sleep(self.round_trip).await;
        match &self.place {
            Place::Sqlite(connection) => {
                let connection = Arc::clone(connection);
                let found = tokio::task::spawn_blocking(move || {
                    from_sqlite(&connection.lock().unwrap_or_else(PoisonError::into_inner), &read)
                });
                found.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())
            }
            Place::Postgres(postgres) => postgres.read(&read).await.map_err(|e| e.to_string()),
        }
    }

    /// Makes sure that it can be read.
    pub(super) async fn connect(&self) -> io::Result<()> {
        let Place::Postgres(postgres) = &self.place else { return Ok(()) };
        let begun = Instant::now();
        loop {
            match postgres.clients().await {
                Ok(_) => return Ok(()),
                // A server that has just been started takes a moment.
                Err(_) if begun.elapsed() < PATIENCE => tokio::time::sleep(PATIENCE / 50).await,
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Relaxed)
    }

    pub(super) fn reset(&self) {
        self.reads.store(0, Relaxed);
    }
}

/// `(number, id, name, json)` of every product.
fn rows(count: u32) -> impl Iterator<Item = (i32, String, String, String)> {
    (1..).zip(products(count)).map(|(number, product)| {
        let json = serde_json::to_string(&product).unwrap_or_default();
        (number, product.id, product.name, json)
    })
}

fn sqlite(count: u32) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLE)?;
    {
        let mut insert = transaction.prepare("INSERT INTO product VALUES (?1, ?2, ?3, ?4)")?;
        for (number, id, name, json) in rows(count) {
            insert.execute(params![number, id, name, json])?;
        }
    }
    transaction.commit()?;
    Ok(connection)
}

fn from_sqlite(connection: &Connection, read: &Read) -> rusqlite::Result<Option<String>> {
    let list = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| {
        let mut statement = connection.prepare_cached(sql)?;
        let found = statement.query_map(parameters, |row| row.get(0))?;
        Ok(Some(array(&found.collect::<rusqlite::Result<Vec<String>>>()?)))
    };
    match read {
        Read::Product(id) => connection
            .prepare_cached("SELECT json FROM product WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional(),
        Read::Page { page, size } => {
            let first = i64::from(*size) * i64::from(page - 1);
            list(
                "SELECT json FROM product WHERE number > ?1 ORDER BY number LIMIT ?2",
                params![first, i64::from(*size)],
            )
        }
        Read::Search { text, limit } => list(
            "SELECT json FROM product WHERE name LIKE '%' || ?1 || '%' ORDER BY number LIMIT ?2",
            params![text, i64::from(*limit)],
        ),
    }
}

fn array(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

impl Postgres {
    async fn read(&self, read: &Read) -> Result<Option<String>, tokio_postgres::Error> {
        let clients = self.clients().await?;
        let client = &clients[self.next.fetch_add(1, Relaxed) % clients.len()];
        let found = match read {
            Read::Product(id) => {
                let sql = "SELECT json FROM storefront.product WHERE id = $1";
                return Ok(client.query_opt(sql, &[id]).await?.map(|row| row.get(0)));
            }
            Read::Page { page, size } => {
                let first = i64::from(*size) * i64::from(page - 1);
                let sql = "SELECT json FROM storefront.product WHERE number > $1 ORDER BY number LIMIT $2";
                client.query(sql, &[&first, &i64::from(*size)]).await?
            }
            Read::Search { text, limit } => {
                let sql = "SELECT json FROM storefront.product WHERE name LIKE '%' || $1 || '%' \
                           ORDER BY number LIMIT $2";
                client.query(sql, &[text, &i64::from(*limit)]).await?
            }
        };
        let found: Vec<String> = found.iter().map(|row| row.get(0)).collect();
        Ok(Some(array(&found)))
    }

    async fn clients(&self) -> Result<&[Client], tokio_postgres::Error> {
        self.clients.get_or_try_init(|| self.connect()).await.map(Vec::as_slice)
    }

    /// Connections, and a table with this catalogue in a schema of its own.
    async fn connect(&self) -> Result<Vec<Client>, tokio_postgres::Error> {
        let mut clients = Vec::new();
        for _ in 0..self.size {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
            tokio::spawn(async move {
                // Its failure reaches whoever asks next.
                let _ = connection.await;
            });
            clients.push(client);
        }
        let table = TABLE.replace("product", "storefront.product").replace("INTEGER", "BIGINT");
        clients[0]
            .batch_execute(&format!(
                "CREATE SCHEMA IF NOT EXISTS storefront; DROP TABLE IF EXISTS storefront.product; {table}"
            ))
            .await?;
        let all: Vec<(i32, String, String, String)> = rows(self.products).collect();
        let column =
            |of: fn(&(i32, String, String, String)) -> String| all.iter().map(of).collect::<Vec<_>>();
        let numbers: Vec<i64> = all.iter().map(|row| row.0.into()).collect();
        let insert = "INSERT INTO storefront.product SELECT * FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::TEXT[])";
        clients[0]
            .execute(
                insert,
                &[&numbers, &column(|r| r.1.clone()), &column(|r| r.2.clone()), &column(|r| r.3.clone())],
            )
            .await?;
        clients[0].batch_execute("ANALYZE storefront.product").await?;
        Ok(clients)
    }
}
