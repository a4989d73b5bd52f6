-- The shop of database.toml. It is run once, when there is no shop.db yet.

CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    category TEXT NOT NULL CHECK (category IN ('bread', 'cheese', 'fruit')),
    price REAL NOT NULL CHECK (price > 0)
);

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    product_id INTEGER NOT NULL REFERENCES products (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    customer TEXT NOT NULL,
    ordered_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'sent', 'cancelled'))
);

CREATE INDEX orders_by_product ON orders (product_id);

-- Hidden from clients by `hidden_tables`.
CREATE TABLE suppliers (
    product_id INTEGER NOT NULL REFERENCES products (id),
    name TEXT NOT NULL,
    cost REAL NOT NULL
);

INSERT INTO products (name, category, price) VALUES
    ('apple', 'fruit', 0.6), ('pear', 'fruit', 0.8), ('melon', 'fruit', 3.5),
    ('rye bread', 'bread', 4.2), ('baguette', 'bread', 1.9),
    ('gouda', 'cheese', 7.5), ('brie', 'cheese', 6.9);

INSERT INTO orders (product_id, amount, customer, ordered_at, status) VALUES
    (1, 20, 'Ada', '2026-03-02 09:15:00', 'sent'),
    (5, 6, 'Ada', '2026-03-02 09:15:00', 'sent'),
    (6, 2, 'Grace', '2026-03-03 11:40:00', 'sent'),
    (2, 12, 'Alan', '2026-03-05 16:05:00', 'open'),
    (4, 1, 'Barbara', '2026-03-06 08:30:00', 'open');

INSERT INTO suppliers VALUES (1, 'Old Orchard', 0.2), (6, 'Dairy of the Dunes', 4.1);
