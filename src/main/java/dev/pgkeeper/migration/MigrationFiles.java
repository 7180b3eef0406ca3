package dev.pgkeeper.migration;

import java.io.Reader;
import java.io.StringReader;
import java.util.Arrays;
import java.util.Collection;
import org.flywaydb.core.api.ResourceProvider;
import org.flywaydb.core.api.resource.LoadableResource;
import org.jspecify.annotations.Nullable;

/**
 * Gives Flyway our files and nothing else, so that it neither scans the class path nor takes the
 * application's own migrations for ours.
 */
final class MigrationFiles implements ResourceProvider {

  @Override
  public @Nullable LoadableResource getResource(String name) {
    return MigrationFile.all().stream()
        .filter(file -> file.name().equals(name))
        .map(Resource::new)
        .findFirst()
        .orElse(null);
  }

  @Override
  public Collection<LoadableResource> getResources(String prefix, String[] suffixes) {
    return MigrationFile.all().stream()
        .filter(file -> file.name().startsWith(prefix))
        .filter(file -> Arrays.stream(suffixes).anyMatch(file.name()::endsWith))
        .<LoadableResource>map(Resource::new)
        .toList();
  }

  private static final class Resource extends LoadableResource {

    private final MigrationFile file;

    Resource(MigrationFile file) {
      this.file = file;
    }

    @Override
    public Reader read() {
      return new StringReader(file.sql());
    }

    @Override
    public String getAbsolutePath() {
      return "dev/pgkeeper/migration/" + file.name();
    }

    @Override
    public String getAbsolutePathOnDisk() {
      return getAbsolutePath();
    }

    @Override
    public String getFilename() {
      return file.name();
    }

    @Override
    public String getRelativePath() {
      return file.name();
    }
  }
}
