mod machine;
mod power_loss;
