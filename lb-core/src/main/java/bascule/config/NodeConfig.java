package bascule.config;

import java.net.InetAddress;

/// One entry of `cluster.nodes`.
///
/// @param address its own, where the others reach it
/// @param priority 1 to 254: who owns a floating IP if several can; the same for all = they are spread
/// @param witness a member that has a vote and never owns
public record NodeConfig(String name, InetAddress address, int priority, boolean witness) {
    static NodeConfig read(Section at) {
        InetAddress address = at.require("address", Addresses.HOST, Addresses.NOWHERE);
        at.claimHost("address", address);
        boolean witness = at.get("witness", Kind.SWITCH, false);
        int priority = at.count("priority", 100, 1, 254);
        if (witness && at.has("priority"))
            at.refuse("priority", "means nothing for a witness, which never owns", "none");
        return new NodeConfig(at.name(), address, priority, witness);
    }
}
