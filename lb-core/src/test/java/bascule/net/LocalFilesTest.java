package bascule.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class LocalFilesTest {
    @TempDir Path folder = Path.of("");

    @Test
    void givenHostsFile_whenRead_thenEachNameHasItsAddresses() {
        var hosts =
                HostsFile.parse(
                        """
                        127.0.0.1\tlocalhost
                        ::1 localhost ip6-localhost # web
                        # 192.0.2.9 web
                        192.0.2.1 Web.Test. web
                        192.0.2.2 web
                        192.0.2.3
                        not-an-address web
                        """
                                .lines()
                                .toList());

        assertThat(hosts).containsOnlyKeys("localhost", "ip6-localhost", "web.test", "web");
        assertThat(hosts.get("localhost")).containsExactly(address("127.0.0.1"), address("::1"));
        assertThat(hosts.get("web")).containsExactly(address("192.0.2.1"), address("192.0.2.2"));
    }

    private static InetAddress address(String text) {
        return InetAddress.ofLiteral(text);
    }

    @ParameterizedTest
    @CsvSource({
        "00000000000000000000000000000001 01 80 10 80 lo, false",
        "fe800000000000000000000000000001 02 40 20 80 eth0, false",
        "20010db8000000000000000000000001 02 40 00 80 eth0, true",
        "fd000000000000000000000000000002 04 40 00 82 eth0, true",
        "'', false"
    })
    void givenAddressOfThisHost_whenOnlyOthersCanSeeIt_thenThereIsIpv6(String line, boolean has) {
        assertThat(HostLookup.hasIpv6(List.of(line))).isEqualTo(has);
    }

    @Test
    void givenFile_whenItChanges_thenItIsReadAnewAndNotOftener() throws Exception {
        Path path = folder.resolve("file");
        var reads = new AtomicInteger();
        var file =
                new WatchedFile<>(
                        path,
                        lines -> {
                            reads.incrementAndGet();
                            return List.copyOf(lines);
                        });
        assertThat(file.get()).isEmpty();

        Files.writeString(path, "one");
        assertThat(file.get()).containsExactly("one");
        int before = reads.get();
        for (int i = 0; i < 10; i++) assertThat(file.get()).containsExactly("one");
        assertThat(reads).hasValue(before);

        Path other = Files.writeString(folder.resolve("other"), "two"); // Of the same length.
        Files.setLastModifiedTime(other, Files.getLastModifiedTime(path));
        Files.move(other, path, StandardCopyOption.REPLACE_EXISTING);
        assertThat(file.get()).containsExactly("two");

        Files.writeString(path, "two and more");
        assertThat(file.get()).containsExactly("two and more");

        Files.write(path, new byte[] {'a', (byte) 0xff});
        assertThat(file.get()).containsExactly("aÿ");

        Files.delete(path);
        assertThat(file.get()).isEmpty();
    }

    @Test
    void givenFileThatCannotBeRead_whenAsked_thenItSaysWhatItSaidBeforeUntilItCan()
            throws Exception {
        Path path = Files.writeString(folder.resolve("file"), "one");
        var file = new WatchedFile<>(path, List::copyOf);
        assertThat(file.get()).containsExactly("one");

        Files.delete(path);
        Files.createDirectory(path);
        assertThat(file.get()).containsExactly("one");

        Files.delete(path);
        Files.writeString(path, "two");
        assertThat(file.get()).containsExactly("two");
    }

    @Test
    void givenReadThatFailed_whenAskedAgain_thenReadThoughTheFileIsTheSame() throws Exception {
        Path path = Files.writeString(folder.resolve("file"), "one");
        var fails = new AtomicBoolean();
        var file =
                new WatchedFile<>(
                        path,
                        lines -> {
                            if (fails.getAndSet(false)) throw new IllegalStateException("bug");
                            return List.copyOf(lines);
                        });
        fails.set(true);
        assertThatThrownBy(file::get).hasMessage("bug");

        assertThat(file.get()).containsExactly("one");
    }
}
