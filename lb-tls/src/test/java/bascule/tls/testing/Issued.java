package bascule.tls.testing;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/// A certificate with its key, as a [TestAuthority] gives it.
///
/// @param chain the certificate itself first, without the root
public record Issued(List<X509Certificate> chain, PrivateKey key) {
    public X509Certificate certificate() {
        return chain.getFirst();
    }

    /// The chain in PEM form.
    public String chainPem() {
        StringBuilder pem = new StringBuilder();
        for (X509Certificate one : chain) pem.append(pem(one));
        return pem.toString();
    }

    /// The key as PKCS#8.
    public String keyPem() {
        return pem("PRIVATE KEY", key.getEncoded());
    }

    /// The key as older tools write it: PKCS#1 for RSA, SEC1 for EC. Both lie inside PKCS#8, as its third element.
    public String traditionalKeyPem() {
        byte[] pkcs8 = key.getEncoded();
        int at = contents(pkcs8, 0);
        at = end(pkcs8, at); // Version.
        at = end(pkcs8, at); // Algorithm.
        byte[] inner = Arrays.copyOfRange(pkcs8, contents(pkcs8, at), end(pkcs8, at));
        return pem((key.getAlgorithm().equals("RSA") ? "RSA" : "EC") + " PRIVATE KEY", inner);
    }

    /// Chain and key, as one file has them.
    public String pem() {
        return chainPem() + keyPem();
    }

    /// Writes `NAME.pem` with chain and key.
    public Path write(Path folder, String name) {
        return put(folder.resolve(name + ".pem"), pem());
    }

    /// Writes `NAME.pem` and `NAME.key`.
    public Path writeApart(Path folder, String name) {
        put(folder.resolve(name + ".key"), keyPem());
        return put(folder.resolve(name + ".pem"), chainPem());
    }

    static Path put(Path file, String text) {
        try {
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String pem(X509Certificate certificate) {
        try {
            return pem("CERTIFICATE", certificate.getEncoded());
        } catch (CertificateEncodingException e) {
            throw new IllegalStateException(e);
        }
    }

    public static String pem(String label, byte[] der) {
        String body = Base64.getMimeEncoder(64, "\n".getBytes(US_ASCII)).encodeToString(der);
        return "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n";
    }

    private static int contents(byte[] der, int at) {
        int first = der[at + 1] & 0xff;
        return at + 2 + (first < 0x80 ? 0 : first & 0x7f);
    }

    private static int end(byte[] der, int at) {
        int first = der[at + 1] & 0xff;
        int length = first < 0x80 ? first : 0;
        for (int i = 0; first >= 0x80 && i < (first & 0x7f); i++)
            length = length << 8 | der[at + 2 + i] & 0xff;
        return contents(der, at) + length;
    }
}
