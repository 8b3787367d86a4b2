use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// A server that sends back what it gets, and a proxy in front of it.
struct Bench {
    proxies: Proxies,
    listen: SocketAddr,
    _server: JoinSet<()>,
}

impl Bench {
    async fn new() -> Self {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = server.local_addr().unwrap().to_string();
        let mut echo = JoinSet::new();
        echo.spawn(async move {
            loop {
                let (mut stream, _) = server.accept().await.unwrap();
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let proxy = Proxy { name: "p".to_owned(), listen: free, to };
        Self { proxies: Proxies::start(&[proxy], 7).await.unwrap(), listen: free, _server: echo }
    }

    fn switch(&self) -> Switch {
        self.proxies.switches().remove(0)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.listen).await.unwrap()
    }
}

/// Sends a text and waits for it; how long that took.
async fn echoed(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<Duration> {
    let start = Instant::now();
    let mut back = vec![0; bytes.len()];
    stream.write_all(bytes).await?;
    stream.read_exact(&mut back).await?;
    assert_eq!(back, bytes);
    Ok(start.elapsed())
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn what_is_sent_passes_unchanged_in_both_directions_with_its_end() {
    run(async {
        let bench = Bench::new().await;
        let mut stream = bench.connect().await;
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        echoed(&mut stream, &bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0, "the end comes back, too");
    });
}

#[test]
fn a_delay_holds_for_each_direction_and_ends() {
    run(async {
        let bench = Bench::new().await;
        let mut stream = bench.connect().await;
        let delay = ProxyFault::Delay { delay: MS * 60, jitter: MS * 10 };
        bench.switch().begin(delay);
        assert!(echoed(&mut stream, b"ping").await.unwrap() >= MS * 100);
        bench.switch().end(delay).await.unwrap();
        let quickest = [echoed(&mut stream, b"a").await.unwrap(), echoed(&mut stream, b"b").await.unwrap()];
        assert!(quickest.iter().min().unwrap() < &(MS * 60), "{quickest:?}");
    });
}

#[test]
fn a_limit_of_bandwidth_is_that_of_all_connections_together() {
    run(async {
        let bench = Bench::new().await;
        let (mut a, mut b) = (bench.connect().await, bench.connect().await);
        bench.switch().begin(ProxyFault::Bandwidth(200_000));
        let start = Instant::now();
        let bytes = vec![1; 20_000];
        let (a, b) = tokio::join!(echoed(&mut a, &bytes), echoed(&mut b, &bytes));
        a.and(b).unwrap();
        assert!(start.elapsed() >= MS * 200, "40 kB at 200 kB/s take 200 ms: {:?}", start.elapsed());
    });
}

#[test]
fn a_blackhole_holds_everything_back_until_it_is_over() {
    run(async {
        let bench = Bench::new().await;
        let mut old = bench.connect().await;
        echoed(&mut old, b"before").await.unwrap();
        bench.switch().begin(ProxyFault::Blackhole);
        let mut new = bench.connect().await;
        let nothing = tokio::time::timeout(MS * 50, echoed(&mut new, b"new")).await;
        assert!(nothing.is_err());
        let waiting = async { echoed(&mut old, b"old").await.unwrap() };
        let lift = async {
            tokio::time::sleep(MS * 50).await;
            bench.switch().end(ProxyFault::Blackhole).await.unwrap();
        };
        let (took, ()) = tokio::join!(waiting, lift);
        assert!(took >= MS * 40, "{took:?}");
    });
}

#[test]
fn a_reset_ends_open_connections_and_new_ones_while_it_lasts() {
    run(async {
        let bench = Bench::new().await;
        let mut stream = bench.connect().await;
        echoed(&mut stream, b"before").await.unwrap();
        bench.switch().begin(ProxyFault::Reset);
        let error = echoed(&mut stream, b"x").await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        let mut new = bench.connect().await;
        assert!(new.read(&mut [0; 1]).await.is_err());
        bench.switch().end(ProxyFault::Reset).await.unwrap();
        echoed(&mut bench.connect().await, b"after").await.unwrap();
    });
}

#[test]
fn a_cut_closes_connections_and_refuses_new_ones_until_it_is_over() {
    run(async {
        let bench = Bench::new().await;
        let mut stream = bench.connect().await;
        echoed(&mut stream, b"before").await.unwrap();
        bench.switch().begin(ProxyFault::Cut);
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "it is closed");
        let refused = TcpStream::connect(bench.listen).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        bench.switch().end(ProxyFault::Cut).await.unwrap();
        echoed(&mut bench.connect().await, b"after").await.unwrap();
    });
}

#[test]
fn a_system_that_is_down_resets_connections() {
    run(async {
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (listen, to) = (free(), free().to_string());
        let proxies = Proxies::start(&[Proxy { name: "p".to_owned(), listen, to }], 7).await.unwrap();
        let mut stream = TcpStream::connect(listen).await.unwrap();
        assert!(stream.read(&mut [0; 1]).await.is_err());
        let taken = Proxies::start(&[Proxy { name: "q".to_owned(), listen, to: String::new() }], 7).await;
        assert!(taken.unwrap_err().to_string().contains("proxy `q` cannot listen"));
        drop(proxies);
    });
}
