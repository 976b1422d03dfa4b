//! What `--help` says behind the options: a first run and how to read it, examples to paste, exit codes.

/// Behind `-h`.
pub(super) const SHORT: &str = "\
Examples:
  ringwire-load                                       100 subscribers, 100 messages a second, ringwire on this machine
  ringwire-load -s 1000 --rate 100 --server-pid PID   with the CPU time and the memory of the server
  ringwire-load --scenario burst                      the most that it delivers; `ringwire-load scenarios` lists more
  ringwire-load sweep --limit 'p99<5ms'               the highest rate at which that holds
`ringwire-load --help` explains a first run, open and closed loop, other servers and exit codes.";

/// Behind `--help`.
pub(super) const LONG: &str = "\
A first run:
  Start the server, then ringwire-load beside it, without any option. Of the report, look at three lines first:
    reach       100 % says that every subscriber had every message. If it is less, ask why before anything else.
    latency     p99 is what one delivery in a hundred took longer than; max is what the unluckiest user saw.
    the last    `valid run`, or INVALID: then the generator was what limited, and the figures are not the server's.
  Then give --server-pid, to see what a delivery costs the server, and each of the two CPUs of their own (--pin), or
  they take the time from each other, and that is what you measure. Raise the load until something gives, or let
  `ringwire-load sweep` do it.

Open and closed loop:
  --rate sends at fixed times, however slow the server is, and counts latency from the time at which each
  message should have been sent: what users of a busy server would see. Use it for latency.
  --outstanding keeps W messages on their way for each publisher and sends the next when the last delivery of
  one has come back: it finds the most that server and generator can do. Use it for throughput; its latencies
  leave out the time that messages wait to be sent, so do not quote them as a service's latency.

Examples:
  Latency of 1000 deliveries of each of 100 messages a second, ringwire on this machine:
    ringwire-load --subscribers 1000 --rate 100
  Most deliveries a second, and what each costs the server, server on CPU 0 and load on CPU 1:
    ringwire-load -s 100 --outstanding 64 --server-pid $(pidof ringwire) --pin 1
  How fast 60,000 subscribers connect, from one machine to itself, and what the server takes to hold them:
    ringwire-load --idle -s 60000 --source 127.0.0.1-127.0.0.5 --server-pid $(pidof ringwire)
  A question that is asked often, as a file with its options; what the command line says counts more:
    ringwire-load --scenario many-topics --subscribers 2000
  As a gate in CI, with the report for whoever has to find out why it did not pass:
    ringwire-load --rate 1000 --fail-if 'p99>20ms' --fail-if 'reach<1' --json report.json
  Other servers: one with a topic in the URL, NATS, and an MQTT broker
    ringwire-load --driver url 'ws://127.0.0.1:9001/topics/{topic}'
    ringwire-load --driver nats ws://127.0.0.1:8080
    ringwire-load --driver mqtt ws://127.0.0.1:9001/mqtt

Exit codes:
  0  every message reached every subscriber once and in order
  1  messages were lost, duplicated, reordered, corrupted or misrouted, or connections ended early
  2  the command line makes no sense
  3  the server could not be reached or refused the connections
  4  the run is INVALID: the generator was late or saturated, or was interrupted before it measured
  5  a condition of --fail-if came true";

/// Behind the help of `sweep`.
pub(super) const SWEEP: &str = "\
The rate doubles until a limit breaks; then the gap is halved until it is as small as --precision. Each run has
connections of its own. A run whose generator was late or saturated shows nothing about the server: where that is
what ends the search, the answer says so. Give the generator CPUs that the server does not use (--pin).

Examples:
  The rate at which p99 leaves 5 ms, 1000 subscribers, 3 seconds for each run:
    ringwire-load sweep --limit 'p99<5ms' --from 100 -s 1000 --warm-up 1s --duration 3s
  The same as a gate: exit code 5 if at 2000 messages a second one delivery takes 20 ms:
    ringwire-load sweep --limit 'max<20ms' --from 2000 --to 2000

Exit codes:
  0  the answer is known: the server's limit, or that the limits hold up to --to
  4  the generator came to its end before the server, or the sweep was cut short
  5  the limits do not even hold at --from";
