-- How many users who joined 2015 to 2020 posted in each year. A person may own several rows.
SELECT
  year(`timestamp`) AS post_year,
  count(DISTINCT user_name, date_joined) AS number_users_joined
FROM `0e36c8cd403d_geo_table` AS geo
JOIN `0e36c8cd403d_user_table` AS users ON geo.ind = users.ind
WHERE year(date_joined) BETWEEN 2015 AND 2020
GROUP BY post_year
ORDER BY post_year;
