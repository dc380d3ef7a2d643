//! Simulated plants for closed loops: deterministic, seeded, without any dependency.
//!
//! A plant is stepped with what its controller says and returns nothing but its state; each module
//! says where its equations come from.
//!
//! Stands on nothing.

pub mod cartpole;
pub mod pendulum;
pub mod quadrotor;
pub mod random_state;
pub mod swimmer;

pub use cartpole::CartPole;
pub use pendulum::Pendulum;
pub use quadrotor::Quadrotor;
pub use random_state::RandomState;
pub use swimmer::Swimmer;
