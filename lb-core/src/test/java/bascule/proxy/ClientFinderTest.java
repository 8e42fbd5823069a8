package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.config.Cidr;
import bascule.http.AddressSet;
import bascule.http.ClientAddress;
import bascule.http.ClientInfo;
import bascule.http.RequestHead;
import bascule.http1.HeadLimits;
import bascule.http1.RequestParser;
import bascule.testing.Allocation;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ClientFinderTest {
    private static final AddressSet TRUST =
            AddressSet.of(List.of(Cidr.parse("10.0.0.0/8"), Cidr.parse("2001:db8:f::/48")));

    static RequestHead head(String fields) {
        ByteBuf in =
                Unpooled.copiedBuffer("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n", US_ASCII);
        var head = new RequestHead(4096, 100);
        try {
            int length = new RequestParser().parse(in, new HeadLimits(4096, 100, 4096), head);
            assertTrue(length > 0, fields);
        } finally {
            in.release();
        }
        return head;
    }

    private static ClientInfo peer(String address, boolean trusted) throws Exception {
        return new ClientInfo(new InetSocketAddress(InetAddress.getByName(address), 4711), trusted);
    }

    private static ClientAddress address(String text) {
        var address = new ClientAddress();
        assertTrue(address.read(text.getBytes(US_ASCII), 0, text.length()), text);
        return address;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            192.0.2.1                                        | 192.0.2.1
            198.51.100.9, 192.0.2.1                          | 192.0.2.1
            192.0.2.1, 10.0.0.9                              | 192.0.2.1
            198.51.100.9, 192.0.2.1,10.0.0.9 ,\t10.0.0.8     | 192.0.2.1
            192.0.2.1:4711                                   | 192.0.2.1
            [2001:db8::1]:4711                               | 2001:db8::1
            [2001:db8::1]                                    | 2001:db8::1
            2001:db8::1, 2001:db8:f::2                       | 2001:db8::1
            , ,192.0.2.1, ,                                  | 192.0.2.1
            10.0.0.8, 10.0.0.9                               | 10.0.0.8
            unknown, 192.0.2.1                               | 192.0.2.1
            192.0.2.1, unknown                               | 10.0.0.1
            192.0.2.1, unknown, 10.0.0.9                     | 10.0.0.1
            192.0.2.1;x                                      | 10.0.0.1
            192.0.2.1:port                                   | 10.0.0.1
            192.0.2.1:                                       | 10.0.0.1
            192.0.2.1:123456                                 | 10.0.0.1
            [192.0.2.1]:80                                   | 10.0.0.1
            [2001:db8::1                                     | 10.0.0.1
            2001:db8::1]                                     | 10.0.0.1
            [2001:db8::1]x                                   | 10.0.0.1
            ::ffff:192.0.2.1                                 | 192.0.2.1
            ''                                               | 10.0.0.1
            ,                                                | 10.0.0.1
            """)
    void givenTrustedPeer_whenItNamesAList_thenTheLastThatIsNotTrusted(String list, String client)
            throws Exception {
        var finder = new ClientFinder(TRUST);

        ClientAddress found =
                finder.find(
                        head("X-Forwarded-For: " + list + "\r\n").fields, peer("10.0.0.1", true));

        assertEquals(address(client).high(), found.high());
        assertEquals(address(client).low(), found.low());
    }

    @Test
    void givenSeveralLines_whenFound_thenTheyAreOneList() throws Exception {
        var finder = new ClientFinder(TRUST);
        RequestHead head =
                head(
                        """
                        X-Forwarded-For: 198.51.100.9, 192.0.2.1\r
                        X-Other: 203.0.113.1\r
                        x-forwarded-for: 10.0.0.7\r
                        """);

        assertEquals(
                address("192.0.2.1").low(), finder.find(head.fields, peer("10.0.0.1", true)).low());
    }

    @Test
    void givenNobodyTrustsThePeer_whenItNamesAList_thenItIsThePeer() throws Exception {
        var finder = new ClientFinder(TRUST);
        RequestHead head = head("X-Forwarded-For: 192.0.2.1\r\n");

        assertEquals(
                address("203.0.113.5").low(),
                finder.find(head.fields, peer("203.0.113.5", false)).low());
    }

    @Test
    void givenList_whenFound_thenNothingIsAllocated() throws Exception {
        var finder = new ClientFinder(TRUST);
        RequestHead head = head("X-Forwarded-For: 192.0.2.1, 2001:db8:f::2, 10.0.0.9:80\r\n");
        ClientInfo peer = peer("10.0.0.1", true);
        ClientAddress[] found = new ClientAddress[1];

        assertEquals(0, Allocation.perOperation(() -> found[0] = finder.find(head.fields, peer)));
        assertEquals(address("192.0.2.1").key(), found[0].key());
    }
}
