-- The most popular category in each country; every category that reaches the maximum has a row.
SELECT country, category, category_count
FROM (
  SELECT
    country,
    category,
    count(*) AS category_count,
    rank() OVER (PARTITION BY country ORDER BY count(*) DESC) AS place
  FROM `0e36c8cd403d_pin_table` AS pin
  JOIN `0e36c8cd403d_geo_table` AS geo ON pin.ind = geo.ind
  GROUP BY country, category
)
WHERE place = 1
ORDER BY country, category;
