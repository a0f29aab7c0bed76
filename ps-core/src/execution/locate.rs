//! Where a container listens, by the engine's own word and its full id: what a proxy file is made of.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::execute::ExecutionPorts;
use super::perform::{Place, StepError, StepResult};
use crate::addresses::Endpoint;
use crate::plan::IfAbsent;
use crate::runtime::{ContainerDetail, ContainerId, RuntimeErrorKind};

/// Asks the engine.
pub(super) async fn locate(
    ports: &ExecutionPorts<'_>,
    id: &ContainerId,
    place: Place,
    if_absent: IfAbsent,
) -> Result<StepResult, StepError> {
    let found = match ports.engine.inspect_container(id).await {
        // An engine finds a container by the beginning of an id or by a name, too.
        Ok(detail) => Some(detail).filter(|detail| detail.id == *id),
        Err(error) if error.kind == RuntimeErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let address = found
        .filter(|detail| detail.state.is_running())
        .and_then(|detail| address(&detail, &place));
    match (address, if_absent) {
        (None, IfAbsent::Fails) => Err(StepError::NotThere { container: id.clone() }),
        (address, _) => Ok(StepResult::Located(id.clone(), address)),
    }
}

fn address(detail: &ContainerDetail, place: &Place) -> Option<SocketAddrV4> {
    match place {
        Place::InNetwork { network, default_port } => {
            let address = detail.addresses.get(network).copied()?;
            let port = detail.env.iter().rfind(|variable| variable.name == "PORT");
            let port = port.and_then(|variable| variable.value.parse().ok());
            Some(SocketAddrV4::new(address, port.unwrap_or(*default_port)))
        }
        Place::At(Endpoint::LoopbackPort(port)) => Some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, *port)),
        Place::At(Endpoint::Address(_)) => None,
    }
}
