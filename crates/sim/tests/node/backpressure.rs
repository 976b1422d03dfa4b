//! Clients that ask for more than they take: they are not read from, until they take it or there is room in the lanes.

use server::config::{Period, Size};

use crate::Run;
use crate::client::Client;

const COMMANDS: usize = 1500;

/// Publications with an acknowledgement go to other cores through lanes of a few places; a history comes back larger than
/// what was asked.
fn command(number: usize) -> String {
    match number % 5 {
        0 => format!(r#"{{"id":{number},"history":"topic/{}"}}"#, number % 7),
        1 => format!(r#"{{"id":{number},"ping":true}}"#),
        _ => format!(
            r#"{{"id":{number},"publish":"topic/{}","text":"{}"}}"#,
            number % 7,
            "x".repeat(number % 300)
        ),
    }
}

#[test]
fn whoever_asks_and_does_not_read_is_read_from_again_when_it_does() {
    let mut held_back = 0;
    for seed in 0..40 {
        let mut run = Run::new(seed, |config| {
            config.websocket.outbox_bytes_max = Size::from_bytes(4096);
            // Whoever is patient.
            config.websocket.write_timeout = Period::from_secs(1_000_000);
            config.websocket.ping_interval = Period::from_secs(1_000_000);
        });
        for _ in 0..3 {
            let client = Client::connect(&run.node, "/ws");
            run.subscribers.push((String::new(), client));
        }
        run.turn_until("opening", |run| {
            run.subscribers.iter().all(|(_, client)| client.is_open())
        });
        for (_, client) in &mut run.subscribers {
            client.stop_reading();
            (0..COMMANDS).for_each(|number| client.send(&command(number)));
        }
        let some_turns = 200 + run.choices.below(2000);
        (0..some_turns).for_each(|_| run.turn());
        let waits = |(_, client): &&(String, Client)| !client.has_sent_all();
        held_back += run.subscribers.iter().filter(waits).count();
        for (_, client) in &mut run.subscribers {
            client.read_again();
        }
        let has_all = |client: &Client| {
            let answers = client.messages.iter();
            answers.filter(|text| text.contains(r#""id":"#)).count() == COMMANDS
        };
        run.turn_until("the last answer", |run| {
            run.subscribers.iter().all(|(_, client)| has_all(client))
        });
        assert!(run.subscribers.iter().all(|(_, client)| client.is_open()));
    }
    assert!(held_back > 60, "only {held_back} of 120 were held back");
}
