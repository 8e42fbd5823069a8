package bascule.health;

import bascule.server.ServerStatus.Admin;

/// What an operator wants of a server, by the names in the configuration.
public record Order(String backend, String server, Admin admin, Stamp stamp) {}
