package bascule.drill;

import java.util.ArrayList;
import java.util.List;

/// What a pair is made for.
///
/// @param link        the network on which its members talk to each other
/// @param witness     is edge3 a member that never owns?
/// @param addresses   the floating IPs, `ADDRESS/LENGTH`
/// @param quickChecks are servers asked every 100 ms?
/// @param ownClocks   has each daemon a wall clock that can be stepped?
record Setup(
        String link,
        boolean witness,
        List<String> addresses,
        boolean quickChecks,
        boolean ownClocks) {
    /// Two members and one floating IP.
    static final Setup PLAIN = new Setup("lan", false, List.of(v4(0)), false, false);

    static final Setup QUICK_CHECKS = new Setup("lan", false, List.of(v4(0)), true, false);

    static final Setup OWN_CLOCKS = new Setup("lan", false, List.of(v4(0)), false, true);

    /// The members talk on a network of their own.
    static final Setup OWN_LINK = new Setup("clu", false, List.of(v4(0)), false, false);

    static final Setup WITNESS = new Setup("lan", true, List.of(v4(0)), false, false);

    static final Setup SIXTEEN = new Setup("lan", false, sixteen(), false, false);

    Setup {
        addresses = List.copyOf(addresses);
    }

    private static String v4(int i) {
        return Bed.LAN + (100 + i) + "/24";
    }

    private static List<String> sixteen() {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            all.add(v4(i));
            all.add(Bed.LAN6 + (100 + i) + "/64");
        }
        return all;
    }

    List<String> members() {
        return witness ? Bed.EDGES : Bed.EDGES.subList(0, 2);
    }

    /// Of the floating IP with this address.
    static String name(String address) {
        boolean six = address.contains(":");
        String host = address.contains("/") ? address.substring(0, address.indexOf('/')) : address;
        String last = host.substring(host.lastIndexOf(six ? ':' : '.') + 1);
        return (six ? "v6-" : "v4-") + last;
    }
}
