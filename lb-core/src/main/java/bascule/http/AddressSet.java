package bascule.http;

import bascule.config.Cidr;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Ranges of addresses, prepared: a look-up costs the logarithm of their number. Immutable.
///
/// Ranges lie in one another or apart; of those in one another only the widest stays. Then the last range that begins at or before
/// an address is the only one that can hold it.
public final class AddressSet {
    public static final AddressSet NONE = new AddressSet(List.of());

    /// IPv4 is in ranges of IPv4 only; ::/0 means all of IPv6 and nothing else.
    private final Cidr[] ipv4;

    private final Cidr[] ipv6;

    private AddressSet(List<Cidr> ranges) {
        ipv4 = widest(ranges, true);
        ipv6 = widest(ranges, false);
    }

    public static AddressSet of(List<Cidr> ranges) {
        return ranges.isEmpty() ? NONE : new AddressSet(ranges);
    }

    private static Cidr[] widest(List<Cidr> ranges, boolean isIpv4) {
        List<Cidr> sorted =
                ranges.stream()
                        .filter(range -> isIpv4(range) == isIpv4)
                        .sorted(
                                Comparator.comparing(Cidr::high, Long::compareUnsigned)
                                        .thenComparing(Cidr::low, Long::compareUnsigned)
                                        .thenComparingInt(Cidr::prefix))
                        .toList();
        var widest = new ArrayList<Cidr>();
        for (Cidr range : sorted)
            if (widest.isEmpty() || !widest.getLast().contains(range.high(), range.low()))
                widest.add(range);
        return widest.toArray(Cidr[]::new);
    }

    private static boolean isIpv4(Cidr range) {
        return range.prefix() >= 96 && ClientAddress.isIpv4(range.high(), range.low());
    }

    public boolean isEmpty() {
        return ipv4.length + ipv6.length == 0;
    }

    /// @param high bits 127..64 of an address; IPv4 stands as IPv4-mapped
    /// @param low bits 63..0
    public boolean contains(long high, long low) {
        Cidr[] ranges = ClientAddress.isIpv4(high, low) ? ipv4 : ipv6;
        int from = 0;
        int to = ranges.length; // The one that is looked for is before it.
        while (from < to) {
            int middle = from + to >>> 1;
            Cidr range = ranges[middle];
            boolean before =
                    range.high() == high
                            ? Long.compareUnsigned(range.low(), low) <= 0
                            : Long.compareUnsigned(range.high(), high) < 0;
            if (before) from = middle + 1;
            else to = middle;
        }
        return from > 0 && ranges[from - 1].contains(high, low);
    }

    public boolean contains(ClientAddress address) {
        return contains(address.high(), address.low());
    }
}
