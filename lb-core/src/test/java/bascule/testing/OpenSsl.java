package bascule.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Exchanges over TLS by `openssl s_client`, each on a connection of its own, with a server at 127.0.0.1 that calls itself [#NAME].
///
/// @param ca whom the client trusts
/// @param ticket where it keeps the ticket that it was given last
public record OpenSsl(Path ca, Path ticket) {
    public static final String NAME = "localhost";

    private static final String REQUEST =
            "GET / HTTP/1.1\r\nHost: " + NAME + "\r\nConnection: close\r\n\r\n";

    /// One exchange.
    ///
    /// @param options such as `-tls1_2`
    /// @return what openssl wrote: `New, TLSv1.3` or `Reused, TLSv1.3` among much else, and the answer
    public String exchange(int port, String... options) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("openssl", "s_client"));
        command.addAll(List.of("-connect", "127.0.0.1:" + port, "-servername", NAME));
        command.addAll(List.of("-CAfile", ca.toString(), "-verify_return_error"));
        command.addAll(List.of("-verify_hostname", NAME, "-ign_eof"));
        command.addAll(Arrays.asList(options));
        return Tool.run(RunningDaemon.PATIENCE, REQUEST, command.toArray(String[]::new)).all();
    }

    /// One exchange for which a ticket is given.
    public void fetchTicket(int port, String... options) throws IOException, InterruptedException {
        Files.deleteIfExists(ticket);
        String first = exchange(port, with("-sess_out", options));
        assertThat(first).contains("\nNew, TLSv1.", "HTTP/1.1 200 OK").doesNotContain("Reused");
        assertThat(ticket).isNotEmptyFile();
    }

    /// One exchange that shows the ticket.
    public String comeBack(int port, String... options) throws IOException, InterruptedException {
        return exchange(port, with("-sess_in", options));
    }

    private String[] with(String option, String... others) {
        var all = new ArrayList<>(List.of(option, ticket.toString()));
        all.addAll(Arrays.asList(others));
        return all.toArray(String[]::new);
    }
}
