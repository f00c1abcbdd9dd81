mod kill_points;
mod machine;
mod power_loss;
