-- The user with the most followers in each country.
SELECT country, poster_name, follower_count
FROM (
  SELECT
    country,
    poster_name,
    max(follower_count) AS follower_count,
    rank() OVER (PARTITION BY country ORDER BY max(follower_count) DESC) AS place
  FROM `0e36c8cd403d_pin_table` AS pin
  JOIN `0e36c8cd403d_geo_table` AS geo ON pin.ind = geo.ind
  WHERE follower_count IS NOT NULL
  GROUP BY country, poster_name
)
WHERE place = 1
ORDER BY country, poster_name;

-- The country of the single biggest.
SELECT country, max(follower_count) AS follower_count
FROM `0e36c8cd403d_pin_table` AS pin
JOIN `0e36c8cd403d_geo_table` AS geo ON pin.ind = geo.ind
GROUP BY country
ORDER BY follower_count DESC, country
LIMIT 1;
