package bascule.peers;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.testing.Tool;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Assumptions;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/// h2spec 2.2.0 (https://github.com/summerwind/h2spec) with all its strict cases: what RFC 7540 and RFC 7541 ask of a server. The
/// program comes with a library of the build's, for Linux on amd64 alone; elsewhere tests are skipped.
final class H2Spec {
    private static final String PACKED = "/h2spec/2.2.0/h2spec_linux_amd64.tar.gz";
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int TAR_BLOCK = 512;

    private H2Spec() {}

    /// @param cases that were run
    /// @param failures those that failed or were skipped, each with what it had expected and what came
    record Report(int cases, List<String> failures) {}

    /// Runs all cases against 127.0.0.1.
    ///
    /// @param folder for its files
    /// @param over `-t -k` for TLS, nothing for prior knowledge
    static Report run(Path folder, int port, String... over)
            throws IOException, InterruptedException {
        Assumptions.assumeTrue(
                System.getProperty("os.arch").equals("amd64"), "h2spec is there for amd64 only");
        Path program = unpack(folder);
        Path report = folder.resolve("h2spec.xml");
        Files.deleteIfExists(report);
        var command = new ArrayList<>(List.of(program.toString(), "-h", "127.0.0.1"));
        command.addAll(List.of("-p", "" + port, "-P", "/h2spec", "--strict", "--timeout", "3"));
        command.addAll(List.of("--junit-report", report.toString()));
        command.addAll(Arrays.asList(over));
        Tool.Ended ended = Tool.run(PATIENCE, "", command.toArray(String[]::new));
        if (!Files.exists(report)) throw new AssertionError("no report: " + ended);
        return read(Files.readAllBytes(report));
    }

    /// Takes the one file out of the archive: a block of header, then its bytes.
    private static Path unpack(Path folder) throws IOException {
        Path program = folder.resolve("h2spec");
        if (Files.exists(program)) return program;
        try (InputStream packed = H2Spec.class.getResourceAsStream(PACKED);
                var tar = new GZIPInputStream(packed)) {
            byte[] header = tar.readNBytes(TAR_BLOCK);
            String octal = new String(header, 124, 11, US_ASCII);
            Files.write(program, tar.readNBytes(Integer.parseInt(octal.strip(), 8)));
        }
        if (!program.toFile().setExecutable(true)) throw new IOException("not executable");
        return program;
    }

    /// The attributes of its suites are wrong about failures, so cases are looked at one by one.
    private static Report read(byte[] junit) throws IOException {
        try {
            NodeList cases =
                    DocumentBuilderFactory.newInstance()
                            .newDocumentBuilder()
                            .parse(new ByteArrayInputStream(junit))
                            .getElementsByTagName("testcase");
            List<String> failures = new ArrayList<>();
            for (int i = 0; i < cases.getLength(); i++) {
                var one = (Element) cases.item(i);
                for (Node in = one.getFirstChild(); in != null; in = in.getNextSibling()) {
                    if (!(in instanceof Element)) continue;
                    failures.add(
                            "%s: %s: %s: %s"
                                    .formatted(
                                            one.getAttribute("package"),
                                            one.getAttribute("classname"),
                                            in.getNodeName(),
                                            in.getTextContent().replace('\n', '|')));
                }
            }
            return new Report(cases.getLength(), failures);
        } catch (ParserConfigurationException | SAXException e) {
            throw new AssertionError(e);
        }
    }
}
