package bascule.config;

import java.net.InetSocketAddress;
import java.util.Set;

/// One server of a backend.
///
/// @param name the address as written, unless the file gives another
/// @param weight 1 to 256: its share beside the other weights of the backend
/// @param backup used only while no server that is not a backup can be chosen
public record ServerConfig(String name, ServerAddress address, int weight, boolean backup) {
    private static final ServerAddress NOWHERE = new ServerAddress.Ip(new InetSocketAddress(0));

    /// @param names those of the backend so far
    static ServerConfig read(Section at, Set<String> names) {
        ServerAddress address = at.require("address", Addresses.SERVER, NOWHERE);
        String name = at.get("name", Kind.SERVER_NAME, at.written("address"));
        if (!name.isEmpty() && !names.add(name))
            at.refuse(
                    at.has("name") ? "name" : "address",
                    "is the name of two servers",
                    "each name once");
        int weight = at.count("weight", 1, 1, 256);
        return new ServerConfig(name, address, weight, at.get("backup", Kind.SWITCH, false));
    }
}
