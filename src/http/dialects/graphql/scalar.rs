use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use jiff::Timestamp;

/// A moment, in milliseconds since 1970; RFC 3339 in UTC on the wire, as JavaScript writes dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(pub(super) i64);

/// A moment as RFC 3339, such as `2026-11-20T09:00:00.000Z`.
#[Scalar(name = "DateTime")]
impl ScalarType for Moment {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let time: Timestamp = text.parse().map_err(|_| {
            InputValueError::custom("A DateTime is an RFC 3339 time with zone, such as 2026-11-20T12:00:00Z.")
        })?;
        Ok(Self(time.as_millisecond()))
    }

    fn to_value(&self) -> Value {
        let time = Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        Value::String(time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_it_is_read() {
        let text = Value::from("2026-11-20T12:00:00.250+03:00");
        let moment = Moment::parse(text).unwrap();
        assert_eq!(moment.to_value(), Value::from("2026-11-20T09:00:00.250Z"));
        for wrong in ["", "yesterday", "2026-11-20", "2026-11-20T12:00:00"] {
            assert!(Moment::parse(Value::from(wrong)).is_err(), "{wrong}");
        }
    }
}
