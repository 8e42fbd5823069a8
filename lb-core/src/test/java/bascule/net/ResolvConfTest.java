package bascule.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ResolvConfTest {
    @Test
    void givenWholeFile_whenRead_thenAllThatIsHonouredIsThere() {
        ResolvConf conf =
                read(
                        """
                        # nameserver 198.51.100.1
                        ; nameserver 198.51.100.2
                        domain first.test
                        search  A.test.\tb.test
                        nameserver 192.0.2.1
                        \tnameserver 2001:db8::1 trailing words
                        nameserver of.no.use
                        nameserver
                        sortlist 192.0.2.0/24
                        options rotate ndots:3 timeout:1
                        options attempts:4
                        """);

        assertThat(conf)
                .isEqualTo(conf(List.of("a.test", "b.test"), 3, "192.0.2.1", "2001:db8::1"));
    }

    @Test
    void givenNothing_whenRead_thenThisHostIsAsked() {
        assertThat(read("")).isEqualTo(conf(List.of(), 1, "127.0.0.1"));
    }

    @Test
    void givenMoreThanTheMost_whenRead_thenTheFirstAreTaken() {
        ResolvConf conf =
                read(
                        """
                        nameserver 192.0.2.1
                        nameserver 192.0.2.2
                        nameserver 192.0.2.3
                        nameserver 192.0.2.4
                        search a b c d e f g
                        """);

        assertThat(conf)
                .isEqualTo(
                        conf(
                                List.of("a", "b", "c", "d", "e", "f"),
                                1,
                                "192.0.2.1",
                                "192.0.2.2",
                                "192.0.2.3"));
    }

    @ParameterizedTest
    @CsvSource({
        "options ndots:99, 15",
        "options ndots:-1, 0",
        "options ndots:many, 1",
        "options ndots, 1",
        "options ndots:2 ndots:x, 2"
    })
    void givenNumberOfDots_whenRead_thenItIsInItsRange(String line, int ndots) {
        assertThat(read(line).ndots()).isEqualTo(ndots);
    }

    @Test
    void givenDomainOrSearch_whenBothAreThere_thenTheLastCounts() {
        assertThat(read("search a b\ndomain c d").search()).containsExactly("c");
        assertThat(read("search .").search()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "web,     1, web.a web.b web",
        "web.x,   1, web.x web.x.a web.x.b",
        "web.x,   2, web.x.a web.x.b web.x",
        "web,     0, web web.a web.b"
    })
    void givenSuffixes_whenNamesAreBuilt_thenDotsDecideTheirOrder(
            String host, int ndots, String names) {
        assertThat(conf(List.of("a", "b"), ndots, "192.0.2.1").candidates(host))
                .containsExactly(names.split(" "));
    }

    private static ResolvConf read(String text) {
        return ResolvConf.parse(text.lines().toList());
    }

    private static ResolvConf conf(List<String> search, int ndots, String... servers) {
        List<InetSocketAddress> sockets =
                Arrays.stream(servers)
                        .map(server -> new InetSocketAddress(InetAddress.ofLiteral(server), 53))
                        .toList();
        return new ResolvConf(sockets, search, ndots);
    }
}
