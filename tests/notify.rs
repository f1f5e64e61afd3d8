//! The example plugin of docs/records.md, as it is.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Host, Image, repository};

/// Answers one request; gives its first line and its body.
fn served(listener: TcpListener) -> mpsc::Receiver<(String, Value)> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        (&stream)
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .unwrap();
        let _ = sender.send((first, serde_json::from_slice(&body).unwrap()));
    });
    receiver
}

#[test]
fn the_example_notify_plugin_posts_a_failed_task_to_a_url() {
    const NAME: &str = "oneoff-notify";
    let host = Host::new();
    if !host.is_disposable() {
        return; // it would tell of everybody's tasks
    }
    let app = host.app(Image::Busybox);
    host.add_hook(NAME, "oneoff-post-run", "");
    for file in ["plugin.toml", "oneoff-post-run"] {
        let example = repository().join("docs/examples").join(NAME).join(file);
        fs::copy(
            example,
            host.library()
                .join("plugins/available")
                .join(NAME)
                .join(file),
        )
        .unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let directory = host.library().join("data").join(NAME);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("url"), url + "\n").unwrap();
    let requests = served(listener);
    let well = app.sh("exit 0");
    assert_eq!((well.code, well.stderr.as_str()), (0, ""));
    let output = app.sh("exit 3");
    assert_eq!((output.code, output.stderr.as_str()), (3, ""));
    let (first, body) = requests
        .recv_timeout(Duration::from_secs(20))
        .expect("a request");
    assert_eq!(first, "POST /hook HTTP/1.1\r\n");
    let record = &crate::support::records(&host, &app)[1];
    let time = |key: &str| humantime::parse_rfc3339(record[key].as_str().unwrap()).unwrap();
    // Docker may note the start of what ends at once after its end.
    let took = time("finished")
        .duration_since(time("started"))
        .unwrap_or_default();
    let seconds = (took + Duration::from_millis(500)).as_secs();
    let expected = json!({
        "app": app.name, "name": record["name"],
        "exit_code": 3, "reason": "exited", "seconds": seconds,
    });
    assert_eq!(body, expected);
}
