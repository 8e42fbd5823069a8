package bascule.net;

import java.net.InetAddress;
import java.util.List;
import java.util.function.Consumer;

/// One look-up of a name, in both families.
interface NameLookup extends AutoCloseable {
    /// What is known of one family.
    sealed interface Found {
        /// @param addresses  at least one, in no order, perhaps some twice
        /// @param ttlSeconds how long they may be taken for true, 0 or more
        record Addresses(List<InetAddress> addresses, long ttlSeconds) implements Found {}

        /// There is none, says one who knows.
        ///
        /// @param cause `nxdomain`: there is no such name; `no-address`: it has none of this family
        record Nothing(String cause) implements Found {}

        /// Nobody said so or so.
        ///
        /// @param cause one word for the log
        record Trouble(String cause) implements Found {}
    }

    record Answer(Found ipv4, Found ipv6) {}

    /// Looks a name up, once. Called on the loop.
    ///
    /// @param hadIpv6 ask for IPv6 even where this host has none now
    /// @param heard   called once, on the loop, never before this returns
    void find(String host, boolean hadIpv6, Consumer<Answer> heard);

    @Override
    void close();
}
