/// What somebody does in a conversation of several. `P` names the others: a leg, or a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<P> {
    /// Hears everybody who talks, and is heard by all.
    Talks,
    /// Hears everybody who talks, and is heard by nobody.
    Listens,
    /// Hears everybody who talks, and is heard by this one alone.
    WhispersTo(P),
}

impl<P> Part<P> {
    /// The same part, with the others named in another way.
    pub fn map<Q>(self, name: impl FnOnce(P) -> Q) -> Part<Q> {
        match self {
            Self::Talks => Part::Talks,
            Self::Listens => Part::Listens,
            Self::WhispersTo(whom) => Part::WhispersTo(name(whom)),
        }
    }
}
