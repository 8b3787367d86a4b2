//! Arguments of the storefront's services.

use std::{
    any::Any,
    io,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use clap::ValueEnum;
use humantime::parse_duration;
use testbed::{
    server::bind,
    storefront::{Form, checkout, lookup, read, shopping},
};

/// Services of a storefront, each before or after its rewrite.
#[derive(clap::Args)]
pub(crate) struct StorefrontArgs {
    /// The services of this process
    #[arg(value_enum, required_unless_present = "all")]
    services: Vec<ServiceName>,
    /// All of them
    #[arg(long, conflicts_with = "services")]
    all: bool,
    /// The form that they have
    #[arg(long, value_enum)]
    form: FormName,
    /// URL of a Redis: product-read's cache, and the stream of checkouts
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// URL of a PostgreSQL: product-read's database
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    #[command(flatten)]
    lookup: LookupArgs,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    checkout: CheckoutArgs,
    #[command(flatten)]
    shopping: ShoppingArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ServiceName {
    ProductLookup,
    ProductRead,
    CheckoutOrchestrator,
    PaymentProvider,
    IntentParser,
    PlanGenerator,
    PlanExecutor,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormName {
    Before,
    After,
}

#[derive(clap::Args)]
#[command(next_help_heading = "product-lookup")]
struct LookupArgs {
    /// Port of its HTTP API; 0 takes a free one, here and below
    #[arg(long = "lookup-port", id = "lookup-port", default_value_t = 8101)]
    port: u16,
    /// Port of its gRPC service
    #[arg(long = "lookup-grpc-port", id = "lookup-grpc-port", default_value_t = 8102)]
    grpc_port: u16,
    /// Products that it knows
    #[arg(long = "lookup-products", id = "lookup-products", default_value = "10000")]
    products: NonZeroU32,
}

#[derive(clap::Args)]
#[command(next_help_heading = "product-read")]
struct ReadArgs {
    /// Port
    #[arg(long, default_value_t = 8103)]
    read_port: u16,
    /// Products that it knows
    #[arg(long, default_value = "10000")]
    read_products: NonZeroU32,
    /// The way to the database and back, for every read of it
    #[arg(long, value_parser = parse_duration, default_value = "2ms")]
    db_round_trip: Duration,
    /// Connections to the database
    #[arg(long, default_value = "16")]
    db_connections: NonZeroUsize,
    /// How long something stays in the cache
    #[arg(long, value_parser = parse_duration, default_value = "60s")]
    cache_ttl: Duration,
    /// Most entries of the embedded cache; a Redis has its own limit
    #[arg(long, default_value = "2000")]
    cache_capacity: NonZeroUsize,
}

#[derive(clap::Args)]
#[command(next_help_heading = "checkout-orchestrator")]
struct CheckoutArgs {
    /// Port
    #[arg(long, default_value_t = 8104)]
    checkout_port: u16,
    /// Workers of the form before
    #[arg(long, default_value = "8")]
    workers: NonZeroUsize,
    /// How long the inventory takes for a reservation or a release
    #[arg(long, value_parser = parse_duration, default_value = "5ms")]
    inventory_time: Duration,
    /// How long the payment provider takes for a charge
    #[arg(long, value_parser = parse_duration, default_value = "30ms")]
    payment_time: Duration,
    /// How long confirming an order takes
    #[arg(long, value_parser = parse_duration, default_value = "5ms")]
    order_time: Duration,
    /// Charges that the payment provider works on at a time
    #[arg(long, default_value = "16")]
    payment_slots: NonZeroUsize,
    /// Share of the charges that it declines
    #[arg(long, default_value_t = 0.02)]
    decline: f64,
    /// Address of a payment provider of its own [default: one in the process]
    #[arg(long, value_name = "ADDRESS")]
    payment: Option<SocketAddr>,
    /// Port of the payment provider
    #[arg(long, default_value_t = 8108)]
    payment_port: u16,
}

#[derive(clap::Args)]
#[command(next_help_heading = "intent-parser, plan-generator, plan-executor")]
struct ShoppingArgs {
    /// Port of the intent-parser
    #[arg(long, default_value_t = 8105)]
    intent_port: u16,
    /// Port of the plan-generator
    #[arg(long, default_value_t = 8106)]
    plan_port: u16,
    /// Port of the plan-executor
    #[arg(long, default_value_t = 8107)]
    executor_port: u16,
    /// How long a party that the executor calls takes to answer
    #[arg(long, value_parser = parse_duration, default_value = "2ms")]
    call_time: Duration,
    /// Share of the calls that get no answer; half of these have had their effect
    #[arg(long, default_value_t = 0.05)]
    failure: f64,
    /// Most calls for one step, of the form after
    #[arg(long, default_value_t = 5)]
    attempts: u32,
}

/// A service that is up until it is dropped, and what it says of itself.
pub(crate) struct Started {
    pub(crate) ready: String,
    _service: Box<dyn Any>,
}

impl StorefrontArgs {
    /// Starts the services that are asked for.
    pub(crate) fn start(&self) -> io::Result<Vec<Started>> {
        let services = if self.all { ServiceName::value_variants() } else { &self.services };
        services.iter().map(|service| self.start_one(*service)).collect()
    }

    fn start_one(&self, service: ServiceName) -> io::Result<Started> {
        let Self { lookup, read, checkout, shopping, .. } = self;
        match service {
            ServiceName::ProductLookup => {
                let (http, grpc) = (bind(lookup.port)?, bind(lookup.grpc_port)?);
                let running = lookup::start(http, grpc, self.lookup())?;
                let (http, grpc) = (running.url(), running.grpc_url());
                let ready = format!("product-lookup ready on {http}, gRPC on {grpc}");
                Ok(Started { ready, _service: Box::new(running) })
            }
            ServiceName::ProductRead => {
                started("product-read", read::start(bind(read.read_port)?, self.read())?)
            }
            ServiceName::CheckoutOrchestrator => started(
                "checkout-orchestrator",
                checkout::start(bind(checkout.checkout_port)?, self.checkout())?,
            ),
            ServiceName::PaymentProvider => started(
                "payment-provider",
                checkout::start_payment(bind(checkout.payment_port)?, &self.checkout().outside)?,
            ),
            ServiceName::IntentParser => {
                started("intent-parser", shopping::start_intent_parser(bind(shopping.intent_port)?)?)
            }
            ServiceName::PlanGenerator => {
                started("plan-generator", shopping::start_plan_generator(bind(shopping.plan_port)?)?)
            }
            ServiceName::PlanExecutor => started(
                "plan-executor",
                shopping::start_plan_executor(bind(shopping.executor_port)?, self.shopping())?,
            ),
        }
    }

    fn form(&self) -> Form {
        match self.form {
            FormName::Before => Form::Before,
            FormName::After => Form::After,
        }
    }

    fn lookup(&self) -> lookup::Config {
        lookup::Config { form: self.form(), products: self.lookup.products }
    }

    fn read(&self) -> read::Config {
        read::Config {
            form: self.form(),
            products: self.read.read_products,
            database_round_trip: self.read.db_round_trip,
            database_connections: self.read.db_connections,
            cache_ttl: self.read.cache_ttl,
            cache_capacity: self.read.cache_capacity,
            redis: self.redis.clone(),
            postgres: self.postgres.clone(),
        }
    }

    fn checkout(&self) -> checkout::Config {
        checkout::Config {
            form: self.form(),
            workers: self.checkout.workers,
            outside: checkout::Outside {
                inventory_time: self.checkout.inventory_time,
                payment_time: self.checkout.payment_time,
                order_time: self.checkout.order_time,
                payment_slots: self.checkout.payment_slots,
                decline: self.checkout.decline,
                payment: self.checkout.payment,
            },
            redis: self.redis.clone(),
        }
    }

    fn shopping(&self) -> shopping::Config {
        shopping::Config {
            form: self.form(),
            call_time: self.shopping.call_time,
            failure: self.shopping.failure,
            attempts: self.shopping.attempts,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as the other ways of starting")]
fn started(name: &str, running: testbed::storefront::Running) -> io::Result<Started> {
    Ok(Started { ready: format!("{name} ready on {}", running.url()), _service: Box::new(running) })
}
