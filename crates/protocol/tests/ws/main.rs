//! WebSocket connections: whole conversations on a virtual clock, every broken rule, every bound.

mod closing;
mod control_rate;
mod conversations;
mod deflate;
mod frames;
mod keepalive;
mod limits;
mod pair;
mod shown;
mod split;
mod violations;
