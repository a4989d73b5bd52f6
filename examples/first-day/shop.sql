-- A shop of one afternoon.
CREATE TABLE customers (name TEXT PRIMARY KEY, city TEXT NOT NULL);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer TEXT NOT NULL REFERENCES customers (name),
    item TEXT NOT NULL,
    cents INTEGER NOT NULL,
    ordered_on TEXT NOT NULL
);
INSERT INTO customers VALUES ('Ada', 'London'), ('Grace', 'Arlington');
INSERT INTO orders (customer, item, cents, ordered_on) VALUES
    ('Ada', 'gears', 1200, '2026-11-02'),
    ('Ada', 'punch cards', 350, '2026-11-19'),
    ('Grace', 'moth trap', 990, '2026-11-20');
