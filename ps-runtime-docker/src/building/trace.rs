//! BuildKit's news (`moby.buildkit.v1.StatusResponse`): as much of its protobuf as progress needs. Invariant: whatever the bytes are,
//! reading them ends, and fields that are not known here are passed over.

/// What one message tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// Steps whose state is told, again or for the first time.
    pub(super) vertexes: Vec<Vertex>,
    /// Pieces of output.
    pub(super) outputs: Vec<Output>,
}

/// One step of the build, BuildKit's own included.
#[derive(Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four fields of the wire, told independently"
)]
pub(super) struct Vertex {
    pub(super) digest: String,
    /// For example `[2/4] RUN true`.
    pub(super) name: String,
    pub(super) is_cached: bool,
    pub(super) has_started: bool,
    pub(super) has_completed: bool,
    pub(super) has_failed: bool,
}

/// A piece of a step's output.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) digest: String,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn read_trace(bytes: &[u8]) -> Trace {
    let mut trace = Trace::default();
    for (number, value) in fields(bytes) {
        match (number, value) {
            (1, Value::Bytes(bytes)) => trace.vertexes.push(read_vertex(bytes)),
            (3, Value::Bytes(bytes)) => trace.outputs.push(read_output(bytes)),
            _ => {}
        }
    }
    trace
}

fn read_vertex(bytes: &[u8]) -> Vertex {
    let mut vertex = Vertex::default();
    for (number, value) in fields(bytes) {
        match (number, value) {
            (1, Value::Bytes(bytes)) => vertex.digest = text(bytes),
            (3, Value::Bytes(bytes)) => vertex.name = text(bytes),
            (4, Value::Number(cached)) => vertex.is_cached = cached != 0,
            (5, Value::Bytes(_)) => vertex.has_started = true,
            (6, Value::Bytes(_)) => vertex.has_completed = true,
            (7, Value::Bytes(error)) => vertex.has_failed = !error.is_empty(),
            _ => {}
        }
    }
    vertex
}

fn read_output(bytes: &[u8]) -> Output {
    let mut output = Output::default();
    for (number, value) in fields(bytes) {
        match (number, value) {
            (1, Value::Bytes(bytes)) => output.digest = text(bytes),
            (4, Value::Bytes(bytes)) => output.bytes = bytes.to_vec(),
            _ => {}
        }
    }
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A field's value.
#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a fixed size; none is of use here.
    Fixed,
}

/// The fields of a message, up to its end or to what cannot be read.
fn fields(bytes: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    let mut left = bytes;
    std::iter::from_fn(move || {
        let key = take_number(&mut left)?;
        let value = match key & 7 {
            0 => Value::Number(take_number(&mut left)?),
            1 => take(&mut left, 8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(take_number(&mut left)?).ok()?;
                Value::Bytes(take(&mut left, length)?)
            }
            5 => take(&mut left, 4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some((key >> 3, value))
    })
}

fn take<'a>(left: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = left.split_at_checked(length)?;
    *left = rest;
    Some(taken)
}

fn take_number(left: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = take(left, 1)? else { return None };
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// As Docker 20.10 sent it.
    const STARTED_AND_COMPLETED: &str = "CooBCkdzaGEyNTY6NGI5MzI2MDM3NzA3NWE1M2U1YTE2NGRjYjc4N2Q0YzYwNjMxZWQ3MWQzZjIxNmZkZGMzMjgwYjlhNTJlOWZhZRokW2ludGVybmFsXSBsb2FkIHJlbW90ZSBidWlsZCBjb250ZXh0KgwIgduM2AYQw4/t2wMyCwiC24zYBhCa9c8E";

    #[test]
    fn what_an_engine_sent_is_read() {
        let trace = read_trace(&STANDARD.decode(STARTED_AND_COMPLETED).unwrap());
        let [vertex] = trace.vertexes.as_slice() else {
            panic!("{trace:?}")
        };
        assert_eq!(vertex.name, "[internal] load remote build context");
        assert!(vertex.digest.starts_with("sha256:4b93260377075a53"), "{vertex:?}");
        assert!(vertex.has_started && vertex.has_completed);
        assert!(!vertex.is_cached && !vertex.has_failed);
    }

    #[test]
    fn output_and_states_are_read_and_the_unknown_is_passed_over() {
        // vertex { digest: "a", cached: 1, error: "no", 9: fixed64 }, 2: status, log { vertex: "a", stream: 1, msg: "hi" }
        let vertex = b"\x0a\x01a\x20\x01\x3a\x02no\x49\0\0\0\0\0\0\0\0";
        let bytes = [
            b"\x0a\x12",
            vertex.as_slice(),
            b"\x12\x01x\x1a\x09\x0a\x01a\x18\x01\x22\x02hi",
        ]
        .concat();
        let trace = read_trace(&bytes);
        assert!(trace.vertexes[0].is_cached && trace.vertexes[0].has_failed);
        assert_eq!(
            trace.outputs,
            [Output {
                digest: "a".to_owned(),
                bytes: b"hi".to_vec()
            }]
        );
    }

    #[test]
    fn bytes_of_any_kind_are_read_to_an_end() {
        let whole = STANDARD.decode(STARTED_AND_COMPLETED).unwrap();
        for end in 0..whole.len() {
            read_trace(&whole[..end]);
        }
        assert_eq!(read_trace(&[0xff; 64]), Trace::default());
        assert_eq!(
            read_trace(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            Trace::default()
        );
    }
}
