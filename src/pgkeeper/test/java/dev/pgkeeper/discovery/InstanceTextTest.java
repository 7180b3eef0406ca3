package dev.pgkeeper.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class InstanceTextTest {
  private static final ServiceInstance PLAIN = ServiceInstance.at("10.0.0.5", 8080).withId("a");

  private static ServiceInstance decode(String text) throws Exception {
    return InstanceText.decode("a", text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void anInstanceIsALineForEachThing() {
    ServiceInstance instance = PLAIN.withWeight(3).withMetadata("zone", "eu-1").down();
    assertThat(new String(InstanceText.encode(instance), StandardCharsets.UTF_8))
        .isEqualTo("host=10.0.0.5\nport=8080\nweight=3\nup=false\nmetadata.zone=eu-1\n");
  }

  @Test
  void whateverMetadataHoldIsReadAsItWasWritten() throws Exception {
    ServiceInstance instance =
        PLAIN
            .withMetadata("a=b", "c=d=")
            .withMetadata("line\nbreak", "up=false\nhost=elsewhere")
            .withMetadata("\\n", "\\\\\r\n\\")
            .withMetadata("empty", "")
            .withMetadata("größe", "\uD83D\uDE00");
    assertThat(InstanceText.decode("a", InstanceText.encode(instance))).isEqualTo(instance);
  }

  @Test
  void whatIsWrittenByHandMayLeaveOutAndAdd() throws Exception {
    assertThat(decode("host=10.0.0.5\nport=8080")).isEqualTo(PLAIN);
    assertThat(decode("protocol=2\n\nport=8080\nhost=10.0.0.5\n")).isEqualTo(PLAIN);
  }

  @Test
  void whatIsNoInstanceIsSaidToBeNone() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> decode("port=8080"))
        .withMessageContaining("host");
    assertThatIllegalArgumentException().isThrownBy(() -> decode("host=a\nport=many"));
    assertThatThrownBy(() -> InstanceText.decode("a", new byte[] {(byte) 0xff}))
        .isInstanceOf(java.nio.charset.CharacterCodingException.class);
  }
}
