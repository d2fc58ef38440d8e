//! Who may do what over HTTP, with requests written by hand.

mod attempts;
mod browsers;
mod credentials;
mod expecting;
mod handshakes;
mod permissions;
mod rates;
mod running;
mod scripts;
mod served;
mod tls;
mod wall;
mod wire;
