//! Finding products: one worker that reads rows, or an index.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use tokio::sync::oneshot;

use crate::storefront::{
    Form,
    catalogue::{Product, products},
};

/// Finds products, and counts what that takes.
pub(super) struct Finder {
    means: Means,
    counters: Arc<Counters>,
}

/// What finding products has taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) rows_scanned: u64,
    pub(super) waiting: u64,
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    rows_scanned: AtomicU64,
    waiting: AtomicU64,
}

enum Means {
    /// Questions for the one worker.
    Rows(mpsc::Sender<Question>),
    Index(Index),
}

struct Index {
    by_id: HashMap<String, Arc<Product>>,
    by_category: HashMap<String, Vec<Arc<Product>>>,
}

/// Asks for the products that fit, at most `limit`.
struct Question {
    wanted: Wanted,
    limit: usize,
    answer: oneshot::Sender<Vec<Arc<Product>>>,
}

enum Wanted {
    Id(String),
    Category(String),
}

impl Finder {
    pub(super) fn new(form: Form, count: u32) -> io::Result<Self> {
        let counters = Arc::new(Counters::default());
        let means = match form {
            Form::Before => Means::Rows(start_worker(count, Arc::clone(&counters))?),
            Form::After => Means::Index(Index::of(count)),
        };
        Ok(Self { means, counters })
    }

    /// The product of an id.
    pub(super) async fn product(&self, id: &str) -> Option<Arc<Product>> {
        let found = match &self.means {
            Means::Rows(worker) => self.ask(worker, Wanted::Id(id.to_owned()), 1).await.pop(),
            Means::Index(index) => index.by_id.get(id).cloned(),
        };
        self.counters.requests.fetch_add(1, Relaxed);
        found
    }

    /// The first products of a category, at most `limit`.
    pub(super) async fn category(&self, category: &str, limit: usize) -> Vec<Arc<Product>> {
        let found = match &self.means {
            Means::Rows(worker) => self.ask(worker, Wanted::Category(category.to_owned()), limit).await,
            Means::Index(index) => {
                let all = index.by_category.get(category).into_iter().flatten();
                all.take(limit).cloned().collect()
            }
        };
        self.counters.requests.fetch_add(1, Relaxed);
        found
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            requests: self.counters.requests.load(Relaxed),
            rows_scanned: self.counters.rows_scanned.load(Relaxed),
            waiting: self.counters.waiting.load(Relaxed),
        }
    }

    pub(super) fn reset(&self) {
        self.counters.requests.store(0, Relaxed);
        self.counters.rows_scanned.store(0, Relaxed);
    }

    async fn ask(&self, worker: &mpsc::Sender<Question>, wanted: Wanted, limit: usize) -> Vec<Arc<Product>> {
        let (answer, answered) = oneshot::channel();
        self.counters.waiting.fetch_add(1, Relaxed);
        // A worker that is gone finds nothing.
        let _ = worker.send(Question { wanted, limit, answer });
        let found = answered.await.unwrap_or_default();
        self.counters.waiting.fetch_sub(1, Relaxed);
        found
    }
}

impl Index {
    fn of(count: u32) -> Self {
        let mut index = Index { by_id: HashMap::new(), by_category: HashMap::new() };
        for product in products(count).map(Arc::new) {
            index.by_category.entry(product.category.clone()).or_default().push(Arc::clone(&product));
            index.by_id.insert(product.id.clone(), product);
        }
        index
    }
}

/// The one worker; it ends when nobody can ask it any more.
fn start_worker(count: u32, counters: Arc<Counters>) -> io::Result<mpsc::Sender<Question>> {
    let rows: Vec<String> = products(count).filter_map(|p| serde_json::to_string(&p).ok()).collect();
    let (worker, questions) = mpsc::channel::<Question>();
    thread::Builder::new().name("lookup".to_owned()).spawn(move || {
        for Question { wanted, limit, answer } in questions {
            let mut scanned = 0;
            let found = rows.iter().inspect(|_| scanned += 1).filter_map(|row| matching(row, &wanted));
            let found: Vec<Arc<Product>> = found.take(limit).map(Arc::new).collect();
            counters.rows_scanned.fetch_add(scanned, Relaxed);
            // The one who asked may have gone away.
            let _ = answer.send(found);
        }
    })?;
    Ok(worker)
}

/// The product of a row, if it is wanted.
fn matching(row: &str, wanted: &Wanted) -> Option<Product> {
    let product: Product = serde_json::from_str(row).ok()?;
    let fits = match wanted {
        Wanted::Id(id) => product.id == *id,
        Wanted::Category(category) => product.category == *category,
    };
    fits.then_some(product)
}
