package dev.pgkeeper.bench;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import org.junit.jupiter.api.Test;

class PackagesTest {
  /** The root has what the others stand on, and what starts them. */
  @Test
  void noPackageStandsOnOneThatStandsOnIt() {
    slices()
        .matching("dev.pgkeeper.bench.(*)..")
        .should()
        .beFreeOfCycles()
        .check(new ClassFileImporter().importPackages("dev.pgkeeper.bench"));
  }
}
