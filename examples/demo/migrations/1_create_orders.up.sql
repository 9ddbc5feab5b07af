CREATE TABLE orders (id integer PRIMARY KEY, item text NOT NULL);
CREATE INDEX orders_item ON orders (item);
