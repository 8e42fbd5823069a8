package bascule.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;

final class CauseTextTest {
    @Test
    void givenCauses_whenTold_thenTheFirstOneInOneLine() {
        var cause = new IOException("outer", new IOException("Connection\n  refused"));

        assertThat(CauseText.of(cause)).isEqualTo("connection refused");
        assertThat(CauseText.of(new IOException())).isEqualTo("IOException");
        assertThat(CauseText.of(new IOException("x".repeat(1000)))).hasSize(201);
    }

    @Test
    void givenCertificates_whenTold_thenWhatIsWrongWithThem() {
        assertThat(CauseText.of(new CertificateExpiredException("NotAfter: today")))
                .isEqualTo("certificate has expired, notAfter: today");
        assertThat(CauseText.of(new CertificateNotYetValidException("NotBefore: today")))
                .isEqualTo("certificate is not valid yet, notBefore: today");
        assertThat(CauseText.of(new CertPathBuilderException("unable to find it")))
                .isEqualTo("certificate leads to no CA that is trusted");
        assertThat(CauseText.of(new CertPathValidatorException("Algorithm constraints")))
                .isEqualTo("algorithm constraints");
    }

    @Test
    void givenWordsOfBoringSsl_whenTold_thenLegible() {
        var alert =
                new SSLException(
                        "error:1000045c:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA");

        assertThat(CauseText.of(alert)).isEqualTo("tlsv1 alert unknown ca");
    }
}
