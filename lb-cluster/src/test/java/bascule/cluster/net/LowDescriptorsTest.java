package bascule.cluster.net;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.libc.Libc;
import bascule.libc.Sockets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// With sockets that anybody may open, moved as packet sockets are.
class LowDescriptorsTest {
    @Test
    void givenReserve_whenSocketsComeAndGo_thenTheirNumbersAreLowAndNoneIsLost() throws Exception {
        LowDescriptors.reserve();
        int open = descriptors();
        List<KernelSocket> above = new ArrayList<>();
        for (int i = 0; i < 5; i++) above.add(socket());
        int lowest = above.getFirst().fd();

        for (int round = 0; round < 100; round++) {
            try (KernelSocket errnoOf = socket()) {
                var errno = errnoOf.allocate((int) Libc.CAPTURE.byteSize());
                int fd = Sockets.socket(errno, Sockets.AF_INET, Sockets.SOCK_DGRAM, 0);
                int low = LowDescriptors.lower(errno, fd);

                assertThat(low).isLessThan(lowest);
                assertThat(link(low)).startsWith("socket:");
                assertThat(Path.of("/proc/self/fd/" + fd)).doesNotExist();

                LowDescriptors.close(errno, low);
                assertThat(link(low)).contains("eventfd"); // Kept.
            }
        }
        above.forEach(KernelSocket::close);
        assertThat(descriptors()).isEqualTo(open);
    }

    @Test
    void givenMoreSocketsThanNumbers_whenMoved_thenTheRestStaysWhereItIs() throws Exception {
        LowDescriptors.reserve();
        try (KernelSocket errnoOf = socket()) {
            var errno = errnoOf.allocate((int) Libc.CAPTURE.byteSize());
            List<Integer> all = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                int fd = Sockets.socket(errno, Sockets.AF_INET, Sockets.SOCK_DGRAM, 0);
                all.add(LowDescriptors.lower(errno, fd));
            }
            assertThat(all).doesNotHaveDuplicates().allSatisfy(fd -> assertThat(fd).isPositive());
            for (int fd : all) assertThat(link(fd)).startsWith("socket:");
            for (int fd : all) LowDescriptors.close(errno, fd);
        }
    }

    private static KernelSocket socket() throws NetFault {
        return new KernelSocket("test", Sockets.AF_INET, Sockets.SOCK_DGRAM, 0);
    }

    private static String link(int fd) throws IOException {
        return Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).toString();
    }

    private static int descriptors() throws IOException {
        try (var all = Files.list(Path.of("/proc/self/fd"))) {
            return (int) all.count();
        }
    }
}
