-- The median follower count by year of the post, for users who joined 2015 to 2020.
SELECT
  year(`timestamp`) AS post_year,
  percentile_approx(follower_count, 0.5) AS median_follower_count
FROM `0e36c8cd403d_pin_table` AS pin
JOIN `0e36c8cd403d_geo_table` AS geo ON pin.ind = geo.ind
JOIN `0e36c8cd403d_user_table` AS users ON pin.ind = users.ind
WHERE year(date_joined) BETWEEN 2015 AND 2020
GROUP BY post_year
ORDER BY post_year;
