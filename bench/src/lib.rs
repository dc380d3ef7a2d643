//! The models whose steps are measured on the host, as generated modules.

use nervecord::RawStep;

pub mod rate;

mod modules {
    include!(concat!(env!("OUT_DIR"), "/network_a.rs"));
    include!(concat!(env!("OUT_DIR"), "/network_b.rs"));
    include!(concat!(env!("OUT_DIR"), "/network_c.rs"));
    include!(concat!(env!("OUT_DIR"), "/network_d.rs"));
    include!(concat!(env!("OUT_DIR"), "/network_k.rs"));
    include!("../../models/cfc_cartpole/cfc_cartpole.rs");
    include!("../../models/digits/digits.rs");
    include!("../../models/gru_hover/gru_hover.rs");
    include!("../../models/kan_cartpole/kan_cartpole.rs");
    include!("../../models/ncap_swimmer/ncap_swimmer.rs");
    include!("../../models/policy/policy.rs");
    include!("../../models/regressor/regressor.rs");
    include!("../../models/tap_withdrawal/tap_withdrawal.rs");
}

pub use modules::cfc_cartpole::CfcCartpole;
pub use modules::digits::Digits;
pub use modules::gru_hover::GruHover;
pub use modules::kan_cartpole::KanCartpole;
pub use modules::ncap_swimmer::NcapSwimmer;
pub use modules::network_a::NetworkA;
pub use modules::network_b::NetworkB;
pub use modules::network_c::NetworkC;
pub use modules::network_d::NetworkD;
pub use modules::network_k::NetworkK;
pub use modules::policy::Policy;
pub use modules::regressor::Regressor;
pub use modules::tap_withdrawal::TapWithdrawal;

/// A row of inputs that differ from each other.
pub fn row<M: RawStep<I, O>, const I: usize, const O: usize>(_: &M) -> [M::RawInput; I]
where
    M::RawInput: From<i16>,
{
    std::array::from_fn(|i| M::RawInput::from(((i * 7919) % 16_384) as i16 - 8_192))
}
