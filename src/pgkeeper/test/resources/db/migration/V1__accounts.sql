-- An application's own migration, at the place where Flyway looks by itself.
CREATE TABLE account (id bigint PRIMARY KEY);
