-- The most popular category of each age group.
SELECT age_group, category, category_count
FROM (
  SELECT
    age_group,
    category,
    category_count,
    rank() OVER (PARTITION BY age_group ORDER BY category_count DESC) AS place
  FROM (
    SELECT
      CASE
        WHEN age >= 18 AND age < 25 THEN '18-24'
        WHEN age >= 25 AND age < 36 THEN '25-35'
        WHEN age >= 36 AND age < 51 THEN '36-50'
        ELSE '+50'
      END AS age_group,
      category,
      count(*) AS category_count
    FROM `0e36c8cd403d_pin_table` AS pin
    JOIN `0e36c8cd403d_user_table` AS users ON pin.ind = users.ind
    GROUP BY age_group, category
  )
)
WHERE place = 1
ORDER BY age_group, category;
