-- The most popular category of each year, 2018 to 2022.
SELECT post_year, category, category_count
FROM (
  SELECT
    post_year,
    category,
    category_count,
    rank() OVER (PARTITION BY post_year ORDER BY category_count DESC) AS place
  FROM (
    SELECT year(`timestamp`) AS post_year, category, count(*) AS category_count
    FROM `0e36c8cd403d_pin_table` AS pin
    JOIN `0e36c8cd403d_geo_table` AS geo ON pin.ind = geo.ind
    WHERE year(`timestamp`) BETWEEN 2018 AND 2022
    GROUP BY year(`timestamp`), category
  )
)
WHERE place = 1
ORDER BY post_year, category;
