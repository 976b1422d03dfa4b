//! What brokers of different cores say to each other: plain owned data, to be carried in order.
//!
//! Two classes, each first-in first-out between two cores. Handling a [`Request`] yields deliveries only, and handling a [`Delivery`]
//! yields nothing for a lane, so cores that drain both never wait for each other in a circle.

/// Something that the home core of a topic, or every core for a pattern, is asked to do.
#[derive(Debug)]
pub struct Request;

/// An answer to a request, or a chunk of a topic.
#[derive(Debug)]
pub struct Delivery;
