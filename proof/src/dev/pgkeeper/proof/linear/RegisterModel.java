package dev.pgkeeper.proof.linear;

import org.jspecify.annotations.Nullable;

/**
 * A node as a register: it is absent, or has a value and a version, which each change makes one
 * greater. Changes may ask for the version that they expect.
 */
public final class RegisterModel implements Model<RegisterModel.Register, RegisterModel.Access> {
  /** What is asked for. */
  public enum Kind {
    CREATE,
    READ,
    WRITE,
    COMPARE_AND_SET
  }

  /** Absent if the value is null. */
  public record Register(@Nullable String value, long version) {
    static final Register ABSENT = new Register(null, -1);

    boolean isAbsent() {
      return value == null;
    }
  }

  /**
   * @param value what is to be written; null for reads
   * @param expected the version that is to be there, for {@code COMPARE_AND_SET}
   * @param answer null if it is not known
   */
  public record Access(Kind kind, @Nullable String value, long expected, @Nullable Answer answer) {}

  /**
   * @param done whether it was done, rather than refused
   * @param value what was read
   * @param version which one is there now, or was read
   */
  public record Answer(boolean done, @Nullable String value, long version) {}

  @Override
  public Register initial() {
    return Register.ABSENT;
  }

  @Override
  public @Nullable Register after(Register register, Access access) {
    boolean canBeDone =
        switch (access.kind()) {
          case CREATE -> register.isAbsent();
          case READ, WRITE -> !register.isAbsent();
          case COMPARE_AND_SET -> !register.isAbsent() && register.version() == access.expected();
        };
    Answer answer = access.answer();
    if (answer != null && answer.done() != canBeDone) {
      return null;
    }
    if (!canBeDone) {
      // Left out rather than put where nothing comes of it.
      return answer == null ? null : register;
    }
    Register changed =
        access.kind() == Kind.READ
            ? register
            : new Register(access.value(), register.version() + 1);
    return answer == null || isTrue(answer, access, changed) ? changed : null;
  }

  private static boolean isTrue(Answer answer, Access access, Register now) {
    return answer.version() == now.version()
        && (access.kind() != Kind.READ
            || now.value() != null && now.value().equals(answer.value()));
  }
}
