package bascule.observe;

/// A server as operators know it: `backend/name`. Two servers that follow each other under one name share their metrics.
public record ServerName(String backend, String server) {
    @Override
    public String toString() {
        return backend + "/" + server;
    }
}
