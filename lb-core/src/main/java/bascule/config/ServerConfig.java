package bascule.config;

import java.net.InetSocketAddress;

/// One server of a backend.
///
/// @param name the address as written, unless the file gives another
/// @param address resolved, port 1 to 65535
/// @param weight 1 to 256: its share beside the other weights of the backend
/// @param backup used only while no server that is not a backup can be chosen
public record ServerConfig(String name, InetSocketAddress address, int weight, boolean backup) {}
