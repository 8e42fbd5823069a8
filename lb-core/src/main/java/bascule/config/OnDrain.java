package bascule.config;

/// What becomes of a client that sticks to a server which is being drained.
public enum OnDrain {
    /// It stays until its cookie ends.
    FINISH,
    /// Its next request goes to another server, and so does its cookie.
    MOVE
}
